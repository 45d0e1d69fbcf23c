import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import {
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
  within,
} from '#testing';

const DECLARED = 'declared-key-of-the-operator';
const STORED = 'stored-key-of-the-viewer';

let database: TestDatabase;
let upstream: RecordingUpstream;
let gateways: readonly SpawnedGateway[];

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function query(sql: string, parameters: unknown[] = []): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(sql, parameters).finally(() => client.end());
}

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  upstream = await startUpstream();
  const config = {
    gateway: { routes: [{ name: 'keys', path: '/keys', upstream: upstream.url, auth: 'required' }] },
    auth: {
      consumers: [{ name: 'the-operator', roles: ['operator'], apiKeys: [{ hash: `sha256:${sha256(DECLARED)}` }] }],
    },
  };
  const env = { DATABASE_URL: database.url };
  gateways = await Promise.all([spawnGateway({ config, env }), spawnGateway({ config, env })]);
  await query(
    `WITH o AS (INSERT INTO consumers (id, name, roles) VALUES (gen_random_uuid(), 'the-viewer', '{viewer}') RETURNING id)
     INSERT INTO credentials (id, consumer_id, kind, name, prefix, hash)
     SELECT gen_random_uuid(), o.id, 'api-key', 'test', 'test', decode($1, 'hex') FROM o`,
    [sha256(STORED)],
  );
}, 90_000);

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await upstream.stop();
  await database.drop();
});

interface Answer {
  readonly status: number;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly expires_in?: number;
  readonly error?: string;
  readonly name?: string;
  readonly roles?: readonly string[];
}

async function post(path: string, body: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(gateways[0]!.url + path, { method: 'POST', body: new URLSearchParams(body), headers });
  return { status: response.status, ...((await response.json()) as object) };
}

async function token(body: Record<string, string>, headers?: Record<string, string>): Promise<Answer> {
  return await post('/api/admin/oauth/token', body, headers);
}

async function forKey(id: string, key: string): Promise<Answer> {
  const basic = `Basic ${Buffer.from(`${id}:${key}`).toString('base64')}`;
  return await token({ grant_type: 'client_credentials' }, { authorization: basic });
}

async function me(bearer = '', gateway = gateways[1]!): Promise<Answer> {
  const response = await fetch(`${gateway.url}/api/admin/me`, { headers: { authorization: `Bearer ${bearer}` } });
  return { status: response.status, ...((await response.json()) as object) };
}

/** Until it is no longer taken, which has to be within two seconds. */
async function refusedSoon(bearer = ''): Promise<boolean> {
  return await within(2000, async () => (await me(bearer)).status === 401);
}

describe('tokens that Aegis gives', () => {
  it.each([
    ['the-operator', DECLARED, 'operator'],
    ['the-viewer', STORED, 'viewer'],
  ])(
    'are for a key of %s, work at the admin API of every instance and on routes, and stay here',
    async (id, key, role) => {
      const given = await forKey(id, key);
      expect(given).toMatchObject({ status: 200, expires_in: 900 });
      expect(await me(given.access_token)).toMatchObject({ status: 200, name: id, roles: [role] });
      const authorization = `Bearer ${given.access_token ?? ''}`;
      const routed = await fetch(`${gateways[1]!.url}/keys`, { headers: { authorization } });
      expect(routed.status).toBe(200);
      expect(upstream.requests.at(-1)?.headers).toMatchObject({ 'x-consumer-name': id });
      expect(upstream.requests.at(-1)?.headers).not.toHaveProperty('authorization');
    },
  );

  it('are for the owner of the gateway too, not on routes, and not to be renewed', async () => {
    const given = await token({ grant_type: 'client_credentials' }, { 'x-api-key': gateways[0]!.adminKey });
    expect(given.refresh_token).toBeUndefined();
    expect(await me(given.access_token)).toMatchObject({ status: 200, roles: ['admin'] });
    const headers = { authorization: `Bearer ${given.access_token ?? ''}` };
    expect((await fetch(`${gateways[1]!.url}/keys`, { headers })).status).toBe(401);
  });

  it('are renewed once; whoever sends an old one ends them all', async () => {
    const first = await forKey('the-operator', DECLARED);
    const renew = async (refresh = ''): Promise<Answer> =>
      await token({ grant_type: 'refresh_token', refresh_token: refresh });
    const second = await renew(first.refresh_token);
    expect(second.status).toBe(200);
    expect((await me(second.access_token)).status).toBe(200);
    expect(await renew(first.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await refusedSoon(second.access_token)).toBe(true);
    expect(await renew(second.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('end when they are revoked, or the key that they are for', async () => {
    const [one, two] = [await forKey('the-viewer', STORED), await forKey('the-viewer', STORED)];
    expect((await me(one.access_token)).status).toBe(200);
    expect((await post('/api/admin/oauth/revoke', { token: one.refresh_token ?? '' })).status).toBe(200);
    expect(await refusedSoon(one.access_token)).toBe(true);
    expect((await me(two.access_token)).status).toBe(200);
    await query(`UPDATE credentials SET revoked_at = now() WHERE hash = decode($1, 'hex')`, [sha256(STORED)]);
    expect(await refusedSoon(two.access_token)).toBe(true);
    expect((await token({ grant_type: 'refresh_token', refresh_token: two.refresh_token ?? '' })).status).toBe(400);
  });

  it('are not given for anything else', async () => {
    expect(await token({})).toMatchObject({ status: 400, error: 'invalid_request' });
    expect(await token({ grant_type: 'password' })).toMatchObject({ status: 400, error: 'unsupported_grant_type' });
    expect(await token({ grant_type: 'client_credentials' })).toMatchObject({ status: 401, error: 'invalid_client' });
    expect(await forKey('the-operator', 'wrong')).toMatchObject({ status: 401, error: 'invalid_client' });
    expect(await forKey('another', DECLARED)).toMatchObject({ status: 401, error: 'invalid_client' });
    const { access_token: access = '' } = await forKey('the-operator', DECLARED);
    expect(await forKey('the-operator', access)).toMatchObject({ status: 401, error: 'invalid_client' });
    expect(await token({ grant_type: 'refresh_token', refresh_token: access })).toMatchObject({ status: 400 });
  });

  it('are not given where a field is there twice, which others may read the other way', async () => {
    const body = `grant_type=client_credentials&client_id=the-operator&client_secret=${DECLARED}&client_id=the-viewer`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await fetch(`${gateways[0]!.url}/api/admin/oauth/token`, { method: 'POST', headers, body });
    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: 'bad_request' })]);
  });

  it('are in the database as hashes only', async () => {
    const { access_token: access = '', refresh_token: refresh = '' } = await forKey('the-operator', DECLARED);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query('SELECT * FROM issued_tokens');
    await client.end();
    const text = JSON.stringify(rows);
    for (const each of [access, refresh]) expect(text).not.toContain(each.slice(9));
    expect(rows.length).toBeGreaterThan(5);
  });
});

describe('a session by key', () => {
  async function signIn(headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(`${gateways[0]!.url}/api/admin/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ key: DECLARED }),
    });
  }

  it('is a cookie that pages of others cannot use, and ends with the sign-out', async () => {
    const response = await signIn();
    expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ name: 'the-operator' })]);
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^aegis_session=aegis_st_[\w-]+; .*Path=\/;.*HttpOnly; SameSite=Lax$/);
    const [pair = ''] = cookie.split(';');
    const ask = async (method: string, path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await fetch(gateways[1]!.url + path, { method, headers: { cookie: pair, ...headers } })).status;
    expect(await ask('GET', '/api/admin/me')).toBe(200);
    expect(await ask('GET', '/keys')).toBe(401);
    for (const origin of [{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      expect(await ask('POST', '/_aegis/reload', origin as Record<string, string>)).toBe(403);
      expect(await ask('POST', '/api/admin/logout', origin as Record<string, string>)).toBe(403);
    }
    expect(await ask('POST', '/api/admin/logout', { origin: gateways[1]!.url })).toBe(204);
    let status = 200;
    await within(2000, async () => (status = await ask('GET', '/api/admin/me')) !== 200);
    expect(status).toBe(401);
  });

  it('is not begun from another site', async () => {
    expect((await signIn({ origin: 'https://evil.example' })).status).toBe(403);
  });

  it('is 503 by the issuer where none is set up', async () => {
    const response = await fetch(`${gateways[0]!.url}/api/admin/login`, { redirect: 'manual' });
    expect(response.status).toBe(503);
  });
});
