import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import {
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';

const SECRET = 'Bearer of-the-upstream-and-nobody-else';
const CHANGED = 'Bearer another-that-nobody-may-see';

let database: TestDatabase;
let upstream: RecordingUpstream;
let gateway: SpawnedGateway;
const key = randomBytes(32).toString('hex');

async function start(secretKey: string | null): Promise<SpawnedGateway> {
  const env = { DATABASE_URL: database.url, ...(secretKey !== null && { AEGIS_SECRET_KEY: secretKey }) };
  return await spawnGateway({ env, config: { gateway: { routes: [] } } });
}

async function ask({ url, adminKey }: SpawnedGateway, method: string, path: string, body?: object): Promise<string> {
  const answer = await fetch(url + path, {
    method,
    headers: { 'x-api-key': adminKey, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  expect(answer.ok ? '' : text).toBe('');
  return text;
}

function route(authorization: string): object {
  return { path: '/kept', upstream: upstream.url, request: { headers: { set: { authorization } } } };
}

/** What it forwards with, once it serves the route. */
async function forwarded({ url }: SpawnedGateway): Promise<string | undefined> {
  const deadline = Date.now() + 5000;
  while ((await fetch(`${url}/kept`)).status !== 200 && Date.now() < deadline);
  return upstream.requests.at(-1)?.headers.authorization;
}

beforeAll(async () => {
  [database, upstream] = await Promise.all([(await startPostgres()).createDatabase(), startUpstream()]);
  gateway = await start(key);
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await database.drop();
});

describe('what is secret about entities', () => {
  it('is in no table and no file, and works here and at other instances, after a rollback too', async () => {
    await ask(gateway, 'PUT', '/api/admin/routes/kept', route(SECRET));
    await ask(gateway, 'PUT', '/api/admin/routes/kept', route(CHANGED));
    expect(await forwarded(gateway)).toBe(CHANGED);
    await ask(gateway, 'POST', '/api/admin/config/rollback', { version: 1 });
    expect(await forwarded(gateway)).toBe(SECRET);

    const client = new Client({ connectionString: database.url });
    await client.connect();
    const tables = ['config_entities', 'config_versions', 'audit_log'];
    const rows: object[] = [];
    for (const table of tables) rows.push((await client.query<object>(`SELECT * FROM ${table}`)).rows);
    await client.end();
    const file = readFileSync(join(dirname(gateway.configFile), 'data', 'config', 'entities.json'), 'utf8');
    for (const text of [JSON.stringify(rows), file]) {
      expect(text).toContain('/kept');
      expect(text).not.toMatch(/of-the-upstream|another-that/);
    }

    const other = await start(key);
    try {
      expect(await forwarded(other)).toBe(SECRET);
    } finally {
      await other.stop();
    }
  });

  it('is left out, and said to be, by an instance that has not the key', async () => {
    const other = await start(null);
    try {
      expect((await fetch(`${other.url}/kept`)).status).toBe(404);
      expect(await ask(other, 'GET', '/_aegis/status')).toContain('"leftOut":[{"kind":"routes","name":"kept"');
    } finally {
      await other.stop();
    }
  });
});
