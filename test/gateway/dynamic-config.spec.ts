import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type RecordingUpstream,
  scratchFolder,
  type SpawnedGateway,
  spawnGateway,
  startUpstream,
  StoppablePostgres,
} from '#testing';

const SLOW = 180_000;

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Record<string, unknown>;
}

async function ask(
  gateway: SpawnedGateway,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const answer = await fetch(`${gateway.url}/api/admin/${path}`, {
    method,
    headers: { 'x-api-key': gateway.adminKey, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    etag: answer.headers.get('etag'),
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

/** Until it answers so; the timeout of the test is the deadline. */
async function untilServed(gateway: SpawnedGateway, path: string, status = 200): Promise<void> {
  for (;;) {
    const answer = await fetch(gateway.url + path);
    await answer.arrayBuffer();
    if (answer.status === status) return;
    await delay(20);
  }
}

/** Requests without a pause until it is stopped; says what was not answered 200. */
function steadyLoad(gateways: readonly SpawnedGateway[], path: string): { stop(): Promise<(number | string)[]> } {
  const failures: (number | string)[] = [];
  let stopped = false;
  const callers = gateways.map(async ({ url }) => {
    while (!stopped) {
      try {
        const answer = await fetch(url + path);
        await answer.arrayBuffer();
        if (answer.status !== 200) failures.push(answer.status);
      } catch (error) {
        failures.push(String(error));
      }
    }
  });
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(callers);
      return failures;
    },
  };
}

describe('three instances on one database', () => {
  let database: StoppablePostgres;
  let upstream: RecordingUpstream;
  let instances: readonly SpawnedGateway[];
  let first: SpawnedGateway;
  const dataDir = join(scratchFolder('dynamic'), 'data');
  const config = (): object => ({
    gateway: {
      upstreams: [{ name: 'files', targets: [upstream.url] }],
      routes: [{ name: 'steady', path: '/steady', upstream: 'files' }],
    },
  });

  beforeAll(async () => {
    [database, upstream] = await Promise.all([StoppablePostgres.start(), startUpstream()]);
    const start = async (args: string[] = []): Promise<SpawnedGateway> =>
      await spawnGateway({ config: config(), env: { DATABASE_URL: database.url }, args });
    first = await start(['--data-dir', dataDir]);
    instances = [first, ...(await Promise.all([start(), start()]))];
  }, SLOW);

  afterAll(async () => {
    await Promise.all(instances.map(async (each) => await each.stop()));
    await upstream.stop();
    await database.stop();
  }, SLOW);

  it(
    'all serve what was changed through one of them, and drop nothing meanwhile',
    async () => {
      const load = steadyLoad(instances, '/steady');
      for (let round = 0; round < 5; round++) {
        const through = instances[round % 3] ?? first;
        const created = await ask(through, 'POST', 'routes', { name: 'new', path: '/new', upstream: 'files' });
        expect(created).toMatchObject({ status: 201, body: { name: 'new', source: 'api' } });
        await Promise.all(instances.map(async (each) => await untilServed(each, '/new')));
        expect(await ask(through, 'DELETE', 'routes/new')).toMatchObject({ status: 204 });
        await Promise.all(instances.map(async (each) => await untilServed(each, '/new', 404)));
      }
      expect(await load.stop()).toEqual([]);
    },
    SLOW,
  );

  it(
    'let one of several writers win who have read the same',
    async () => {
      const { etag } = await ask(first, 'PUT', 'routes/contested', { path: '/contested', upstream: 'files' });
      const answers = await Promise.all(
        Array.from({ length: 9 }, async (_, index) => {
          const body = { path: `/contested/${index}`, upstream: 'files' };
          return await ask(instances[index % 3] ?? first, 'PUT', 'routes/contested', body, { 'if-match': etag ?? '' });
        }),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 8 }, () => 412)]);
      const winner = answers.find(({ status }) => status === 200);
      for (const each of instances) {
        await untilServed(each, String(winner?.body['path']));
        expect(await ask(each, 'GET', 'routes/contested')).toEqual({ ...winner, status: 200 });
      }
    },
    SLOW,
  );

  it(
    'lose nothing when the database is away, and say so to who wants to write',
    async () => {
      await ask(first, 'PUT', 'routes/kept', { path: '/kept', upstream: 'files' });
      await Promise.all(instances.map(async (each) => await untilServed(each, '/kept')));
      const load = steadyLoad(instances, '/kept');
      await database.stop();
      const refused = await ask(first, 'PUT', 'routes/lost', { path: '/lost', upstream: 'files' });
      expect(refused).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
      expect(await ask(first, 'GET', 'config/history')).toMatchObject({
        status: 503,
        body: { code: 'store_unavailable' },
      });
      // The file is followed all the same, and what the database had stays.
      const changed = JSON.parse(readFileSync(first.configFile, 'utf8')) as { gateway: { routes: object[] } };
      changed.gateway.routes.push({ name: 'from-file', path: '/from-file', upstream: 'files' });
      writeFileSync(first.configFile, JSON.stringify(changed));
      await untilServed(first, '/from-file');
      await database.startAgain();
      expect(await load.stop()).toEqual([]);
      await untilWritten(first, 'routes/after', { path: '/after', upstream: 'files' });
      await Promise.all(instances.map(async (each) => await untilServed(each, '/after')));
      expect((await ask(first, 'GET', 'routes/kept')).status).toBe(200);
      expect((await ask(first, 'GET', 'routes/lost')).status).toBe(404);
    },
    SLOW,
  );

  it(
    'answer who asks while the database hangs',
    async () => {
      await database.pause();
      const paths = [
        'config/history',
        'config/history/1',
        'audit',
        'consumers/nobody/keys',
        '../metrics/rate-limit-usage',
      ];
      const asked = paths.map(async (path) => await ask(first, 'GET', path));
      const answers = await Promise.all(asked).finally(() => database.resume());
      for (const answer of answers) expect(answer).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
      await untilWritten(first, 'routes/awake', { path: '/awake', upstream: 'files' });
    },
    SLOW,
  );

  it(
    'start without the database with what they served last, which nobody else may read',
    async () => {
      await first.stop();
      expect(statSync(join(dataDir, 'config', 'entities.json')).mode & 0o777).toBe(0o600);
      await database.stop();
      first = await spawnGateway({
        config: config(),
        env: { DATABASE_URL: database.url },
        args: ['--data-dir', dataDir],
      });
      instances = [first, ...instances.slice(1)];
      await untilServed(first, '/kept');
      expect((await ask(first, 'PUT', 'routes/x', { path: '/x', upstream: 'files' })).status).toBe(503);
      await database.startAgain();
      await untilWritten(first, 'routes/x', { path: '/x', upstream: 'files' });
      await Promise.all(instances.map(async (each) => await untilServed(each, '/x')));
    },
    SLOW,
  );

  it(
    'leave out what no longer fits when the file has changed, and say what and why',
    async () => {
      await ask(first, 'PUT', 'routes/needy', { path: '/needy', upstream: 'files' });
      await untilServed(first, '/needy');
      const renamed = {
        gateway: {
          upstreams: [{ name: 'archive', targets: [upstream.url] }],
          routes: [
            { name: 'steady', path: '/steady', upstream: 'archive' },
            { name: 'kept', path: '/kept-by-file', upstream: 'archive' },
          ],
        },
      };
      writeFileSync(first.configFile, JSON.stringify(renamed));
      await untilServed(first, '/kept-by-file');
      await untilServed(first, '/needy', 404);
      const status = await fetch(`${first.url}/_aegis/status`, { headers: { 'x-api-key': first.adminKey } });
      const { config: said } = (await status.json()) as {
        config: { entities: { leftOut: { kind: string; name: string; mistakes: { message: string }[] }[] } };
      };
      const leftOut = new Map(said.entities.leftOut.map(({ name, mistakes }) => [name, mistakes[0]?.message]));
      expect(leftOut.get('needy')).toContain('no upstream is called "files"');
      expect(leftOut.get('kept')).toBe('the configuration file has a route of this name');
      await first.says('routes/needy of the admin API is left out: upstream: no upstream');
      // Others may be changed all the same, and what was left out comes back with what it needs.
      expect((await ask(first, 'PUT', 'upstreams/files', { targets: [upstream.url] })).status).toBe(201);
      await untilServed(first, '/needy');
    },
    SLOW,
  );
});

async function untilWritten(gateway: SpawnedGateway, path: string, body: unknown): Promise<void> {
  for (;;) {
    const { status } = await ask(gateway, 'PUT', path, body);
    if (status === 200 || status === 201) return;
    expect(status).toBe(503);
    await delay(50);
  }
}
