import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import parse from 'parse-prometheus-text-format';
import {
  type RecordingUpstream,
  type RedisServer,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startRedis,
  startUpstream,
  type TestDatabase,
} from '#testing';
import { aegis, type CliRun } from '../cli/run-cli.js';

let upstream: RecordingUpstream;
let gateway: SpawnedGateway;
let database: TestDatabase;

const configOf = (target: string) => ({
  gateway: {
    routes: [
      { name: 'two', path: '/two', upstream: target },
      { name: 'quota', path: '/quota', upstream: target },
    ],
  },
  rateLimiting: {
    rules: [
      // Windows are aligned to the clock: of an hour, or a day, too many end between two lines.
      { name: 'two', path: '/two', limit: 2, window: '24d', algorithm: 'fixed-window' },
      { name: 'watched', path: '/two', limit: 1, window: '24d', mode: 'shadow', algorithm: 'fixed-window' },
      { name: 'monthly', path: '/quota', limit: 5, window: 'month' },
    ],
  },
});

beforeAll(async () => {
  upstream = await startUpstream((_, res) => res.end('ok'));
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({ env: { DATABASE_URL: database.url }, config: configOf(upstream.url) });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await database.drop();
});

async function statusOf(path: string, { url } = gateway): Promise<number> {
  const response = await fetch(url + path);
  await response.arrayBuffer();
  return response.status;
}

async function admin(
  method: string,
  path: string,
  { url, adminKey } = gateway,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url + path, { method, headers: { 'x-api-key': adminKey } });
  return { status: response.status, body: await response.json() };
}

async function usageAt(path: string, at = gateway): Promise<Usage> {
  return (await admin('GET', `/api/admin/limits/usage${path}`, at)).body as Usage;
}

/** Until what was recorded has been counted: a record is read within a tick. */
async function until<T>(look: () => Promise<T>, good: (seen: T) => boolean): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const seen = await look();
    if (good(seen) || Date.now() > deadline) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Usage {
  readonly store: { readonly state: string };
  readonly rules: readonly { readonly rule: string; readonly checked: number }[];
  readonly keys: readonly { readonly rule: string; readonly used: number }[];
}

describe('what can be seen of the limits', () => {
  const KEY = 'ip=127.0.0.1';

  beforeAll(async () => {
    const statuses = [];
    for (let index = 0; index < 4; index++) statuses.push(await statusOf('/two'));
    expect(statuses).toEqual([200, 200, 429, 429]);
    await until(
      () => usageAt('?rule=two'),
      ({ rules }) => (rules[0]?.checked ?? 0) >= 4,
    );
  });

  it('is how often each rule was asked, and what it said', async () => {
    const body = await usageAt('');
    expect(body).toMatchObject({ store: { store: 'memory', state: 'own' }, keys: [] });
    expect(body.rules).toContainEqual({
      rule: 'two',
      shadow: false,
      checked: 4,
      allowed: 2,
      rejected: 2,
      shadowRejected: 0,
    });
    expect(body.rules).toContainEqual(expect.objectContaining({ rule: 'watched', shadowRejected: 3, rejected: 0 }));
  });

  it('is what a key has used', async () => {
    const body = await usageAt(`?key=${KEY}&rule=two`);
    expect(body.keys).toEqual([
      { rule: 'two', key: KEY, limit: 2, used: 2, remaining: 0, reset: expect.any(Number) as unknown },
    ]);
  });

  it('is who is refused most', async () => {
    const { items } = (await admin('GET', '/api/admin/limits/top')).body as { items: object[] };
    expect(items).toEqual([
      { key: KEY, rule: 'watched', shadow: true, refused: 3, error: 0 },
      { key: KEY, rule: 'two', shadow: false, refused: 2, error: 0 },
    ]);
  });

  it('is the usage over time, at once', async () => {
    const { status, body } = await admin('GET', '/api/metrics/rate-limit-usage?range=5m&rule=two');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      range: '5m',
      step: '1s',
      summary: { checked: 4, allowed: 2, rejected: 2, shadowRejected: 0 },
      keys: [{ key: KEY, rule: 'two', checked: 4, rejected: 2 }],
    });
    const { series } = body as { series: { checked: number }[] };
    expect(series.reduce((sum, { checked }) => sum + checked, 0)).toBe(4);
  });

  it.each([
    '/api/metrics/rate-limit-usage?range=2h',
    '/api/metrics/rate-limit-usage?rulle=two',
    '/api/admin/limits/top?limit=0',
    '/api/admin/limits/usage?rule=none',
    '/api/admin/limits/usage?key=',
  ])('is not told at %s', async (path) => {
    const { status, body } = await admin('GET', path);
    const { code, errors } = body as { code: string; errors: unknown[] };
    expect([status, code]).toEqual([422, 'validation_failed']);
    expect(errors).toHaveLength(1);
  });

  it('is told to holders of an admin key only', async () => {
    const paths = ['/api/admin/limits/usage', '/api/admin/limits/top', '/api/metrics/rate-limit-usage'];
    expect(await Promise.all(paths.map((path) => statusOf(path)))).toEqual([401, 401, 401]);
  });

  it('is the store, in the health of the gateway', async () => {
    const health = (await (await fetch(`${gateway.url}/health`)).json()) as object;
    expect(health).toMatchObject({ status: 'healthy', limiter: { store: 'memory', state: 'own' } });
  });

  it('is what Prometheus reads, with names from the configuration alone', async () => {
    const response = await fetch(`${gateway.url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    const families = new Map(parse(text).map((family) => [family.name, family]));
    const valueOf = (name: string, labels: Record<string, string> = {}): string | undefined =>
      families
        .get(name)
        ?.metrics.find((metric) => Object.entries(labels).every(([key, value]) => metric.labels?.[key] === value))
        ?.value;
    expect(valueOf('aegis_requests_total', { route: 'two', method: 'GET', status: '4xx' })).toBe('2');
    const refused = { rule: 'two', mode: 'enforce', verdict: 'refused' };
    expect(valueOf('aegis_rate_limit_checks_total', refused)).toBe('2');
    expect(valueOf('aegis_rate_limit_store', { state: 'own' })).toBe('1');
    expect(valueOf('aegis_config_version')).toBe('1');
    expect(valueOf('aegis_target_up')).toBe('1');
    expect(Number(valueOf('process_cpu_seconds_total'))).toBeGreaterThan(0);
    expect(text).not.toContain(KEY);
  });

  it('is shown by aegis limits, to people and to programs', async () => {
    const limits = (...args: string[]): Promise<CliRun> =>
      aegis(['limits', ...args], { env: { AEGIS_URL: gateway.url, AEGIS_ADMIN_KEY: gateway.adminKey } });
    const [top, usage, key, nobody, json] = await Promise.all([
      limits('top'),
      limits('usage'),
      limits('usage', KEY),
      limits('usage', 'consumer=nobody'),
      limits('top', '--json', '--limit', '1'),
    ]);
    expect([top, usage, key, nobody, json].map(({ code }) => code)).toEqual([0, 0, 0, 1, 0]);
    expect(top.stdout).toMatch(/2 +ip=127\.0\.0\.1 +two/);
    expect(usage.stdout).toMatch(/two +4 +2 +2 +0/);
    expect(key.stdout).toMatch(/two +2 of 2 used +0 left +more in/);
    expect(JSON.parse(json.stdout)).toMatchObject({ items: [{ rule: 'watched', refused: 3 }] });
  });

  it('ends with a reset: the key has its whole limit again', async () => {
    const reset = await aegis(['limits', 'reset', KEY, '--rule', 'two'], {
      env: { AEGIS_URL: gateway.url, AEGIS_ADMIN_KEY: gateway.adminKey },
    });
    expect([reset.code, reset.stdout]).toEqual([0, `${KEY} has its whole limit again: two.\n`]);
    expect([await statusOf('/two'), await statusOf('/two'), await statusOf('/two')]).toEqual([200, 200, 429]);
  });
});

describe('a quota of the month', () => {
  it('is what it was after a restart, and reset for good', async () => {
    const options = { env: { DATABASE_URL: database.url }, config: configOf(upstream.url) };
    const first = await spawnGateway(options);
    for (let index = 0; index < 3; index++) expect(await statusOf('/quota', first)).toBe(200);
    await first.stop();
    const second = await spawnGateway(options);
    const body = await usageAt('?key=ip=127.0.0.1', second);
    expect(body.keys).toMatchObject([{ rule: 'monthly', used: 3 }]);
    await admin('DELETE', '/api/admin/limits/keys/ip=127.0.0.1', second);
    await second.kill();
    const third = await spawnGateway(options);
    expect((await usageAt('?key=ip=127.0.0.1', third)).keys).toEqual([]);
    await third.stop();
  }, 60_000);
});

describe('limits that are counted in Redis', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(async () => {
    await redis.stop();
  });

  it('are shared, can be looked at and reset from any instance, and their store is seen to go', async () => {
    const options = {
      env: { DATABASE_URL: database.url, REDIS_URL: redis.url },
      config: configOf(upstream.url),
    };
    const [one, two] = await Promise.all([spawnGateway(options), spawnGateway(options)]);
    const store = async () =>
      ((await (await fetch(`${one.url}/health`)).json()) as { limiter: { state: string } }).limiter.state;
    expect([await statusOf('/two', one), await statusOf('/two', two), await statusOf('/two', one)]).toEqual([
      200, 200, 429,
    ]);
    expect(await statusOf('/quota', one)).toBe(200);
    const body = await usageAt('?key=ip=127.0.0.1', two);
    expect(body).toMatchObject({ store: { store: 'redis', state: 'shared' } });
    expect(body.keys).toMatchObject([
      { rule: 'two', used: 2 },
      { rule: 'watched', used: 1 },
      { rule: 'monthly', used: 1 },
    ]);
    await admin('DELETE', '/api/admin/limits/keys/ip=127.0.0.1', one);
    expect(await statusOf('/two', two)).toBe(200);
    expect(await store()).toBe('shared');
    await redis.kill();
    await statusOf('/two', one);
    expect(await until(store, (state) => state === 'away')).toBe('away');
    await Promise.all([one.stop(), two.stop()]);
  });
});
