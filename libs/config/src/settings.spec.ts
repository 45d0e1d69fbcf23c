import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { accepted, withRoutes } from '../test/load-text.js';
import { loadUnexamined } from './load.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../test/fixtures/${name}.yaml`, import.meta.url));
const SECRETS = { OIDC_SECRET: 'a', HOOK_SECRET: 'b', PD_KEY: 'c', LLM_KEY: 'd' };

describe('a file that says everything', () => {
  const result = loadUnexamined({
    file: fixture('everything'),
    env: SECRETS,
    cwd: '/srv/aegis',
    dataDir: '/var/lib/aegis',
  }).result;
  if (!result.ok) throw new Error(JSON.stringify(result.mistakes));
  const { gateway, rateLimiting, auth, monitoring, ml, nlQuery, admin, database, redis } = result.config;

  it('is accepted without a mistake, and only files that are not there are remarked', () => {
    const messages = result.warnings.map(({ message }) => message);
    expect(messages.filter((message) => !message.includes('does not exist'))).toEqual([]);
    expect(messages).toHaveLength(7);
  });

  it('has units in milliseconds, bytes and shares', () => {
    expect(gateway.limits).toEqual({
      body: 20 * 1024 ** 2,
      headers: 32 * 1024,
      url: 4096,
      connections: 500,
      headersTimeout: 5000,
      requestTimeout: 120_000,
      keepAlive: 30_000,
    });
    expect(gateway).toMatchObject({ drain: 60_000, drainDelay: 5000, compression: false, securityHeaders: false });
    expect(monitoring).toMatchObject({ sample: 0.125, rollups: { minute: 86_400_000, hour: 60 * 86_400_000 } });
    expect(ml).toMatchObject({
      block: { maxShare: 0.01, warmup: 60_000 },
      limits: { maxStep: 0.2, rollbackOn: { errorRate: 0.02 } },
    });
    expect(nlQuery.llm).toMatchObject({ url: 'https://llm.example.com/v1', model: 'small' });
    expect(admin).toEqual({ port: 9001, host: '0.0.0.0', console: false });
  });

  it('has upstreams with their targets, and one more for each URL that a route names', () => {
    expect(gateway.upstreams.map(({ name, implicit }) => [name, implicit])).toEqual([
      ['users', false],
      ['plain', false],
      ['half', false],
      ['127.0.0.1:4004', true],
    ]);
    const [users, plain, half, implicit] = gateway.upstreams;
    expect(users).toMatchObject({
      targets: [
        { url: 'http://127.0.0.1:4001', weight: 3, resolve: null },
        { url: 'http://127.0.0.1:4002', weight: 1, resolve: null },
        { url: 'http://users.internal:8080', weight: 1, resolve: 30_000 },
      ],
      hashOn: { kind: 'header', name: 'x-user-id' },
      health: {
        active: {
          status: [
            { from: 200, to: 200 },
            { from: 204, to: 204 },
            { from: 300, to: 399 },
          ],
          interval: 2000,
        },
        passive: { maxEjected: 0.3 },
        allDown: 'try',
      },
      breaker: { failures: 0.25, minimum: 20, window: 30_000, open: 5000, probes: 3 },
      retry: { attempts: 1, when: ['connect', 503], methods: ['GET'], budget: 0.1, backoff: 50 },
      timeouts: { connect: 1000, response: 10_000, idle: null },
      concurrency: 'adaptive',
      tls: { serverName: 'users.internal', verify: false },
    });
    expect(users?.tls.ca).toBe(join(fixture('everything'), '../pem/ca.crt'));
    expect(plain).toMatchObject({ breaker: null, retry: null, concurrency: 50, hashOn: null });
    expect(plain?.health).toEqual({ active: null, passive: null, allDown: 'fail' });
    expect(half).toMatchObject({ health: { active: null, passive: null }, concurrency: null });
    expect(implicit).toMatchObject({ targets: [{ url: 'http://127.0.0.1:4004' }], retry: { attempts: 2 } });
  });

  it('has routes that need nothing from elsewhere', () => {
    const [users, orders, files, login, wide, versions] = gateway.routes;
    expect(users).toMatchObject({
      name: 'users',
      path: { kind: 'prefix', value: '/api/users' },
      hosts: ['api.example.com', '*.example.org'],
      methods: ['GET', 'POST'],
      headers: {
        version: { kind: 'exact', value: 'two' },
        'x-build': { kind: 'regex', value: '^[0-9]+$' },
        'x-any': { kind: 'present' },
      },
      query: { beta: { kind: 'exact', value: '1' }, debug: { kind: 'present' } },
      upstreams: [
        { upstream: 'users', weight: 90, retry: { attempts: 3, when: ['connect', 503], backoff: 50 } },
        { upstream: 'plain', weight: 10, retry: { attempts: 3, backoff: 25 } },
      ],
      mirror: { upstream: 'half', percent: 0.05 },
      timeout: 12_000,
      cors: { origins: ['*'], credentials: false, methods: ['GET', 'POST'], maxAge: 3_600_000 },
      ip: { allow: [], deny: ['2001:db8::/32'] },
      limits: { body: 1024 ** 2 },
      cache: { ttl: 60_000, maxBody: 65_536, vary: ['accept'] },
      auth: { mode: 'required', roles: ['user'], permissions: ['a:b'], scopes: ['s'] },
      request: { headers: { set: { 'x-set': 'one' }, add: { 'x-add': 'two' }, remove: ['x-gone'] } },
    });
    expect(orders).toMatchObject({
      name: 'orders-id-items',
      path: { kind: 'pattern', value: '/orders/:id/items' },
      rewrite: { path: '/people/:id', host: { kind: 'name', value: 'people.internal' } },
      auth: { mode: 'optional', methods: [] },
      rateLimit: [],
      limits: { body: 20 * 1024 ** 2 },
      cors: { origins: ['https://one.example.com', 'http://localhost:3000'], credentials: false },
    });
    expect(files).toMatchObject({ name: 'files', path: { kind: 'pattern' }, cors: null, timeout: null, cache: null });
    expect(files?.upstreams[0]).toEqual({ upstream: '127.0.0.1:4004', weight: 1, retry: null });
    expect(login).toMatchObject({ path: { kind: 'exact' }, limits: { body: null } });
    expect(wide).toMatchObject({ cors: gateway.cors, upstreams: [{ upstream: 'plain', retry: null }] });
    expect(versions).toMatchObject({
      name: 'v-0-9',
      path: { kind: 'regex', value: '^/v[0-9]+/' },
      auth: { mode: 'optional' },
    });
  });

  it('has limits that are whole, wherever they were written', () => {
    expect(rateLimiting.default).toMatchObject({
      name: 'default',
      limit: 60,
      window: 30_000,
      burst: 90,
      key: [{ kind: 'consumer' }],
    });
    expect(rateLimiting.rules[0]).toMatchObject({
      name: 'critical',
      algorithm: 'sliding-window',
      burst: null,
      key: [
        { kind: 'user' },
        { kind: 'route' },
        { kind: 'api-key' },
        { kind: 'cookie', name: 'sid' },
        { kind: 'claim', name: 'org.id' },
      ],
      cost: { kind: 'fixed', value: 2.5 },
      match: { consumer: ['a'], roles: ['b'], plan: ['gold'], header: { 'x-kind': { kind: 'regex', value: '^b' } } },
    });
    const [users, , , login] = gateway.routes;
    expect(users?.rateLimit).toMatchObject([
      {
        name: 'burst',
        limit: 5,
        burst: null,
        cost: { kind: 'header', name: 'x-cost' },
        key: [{ kind: 'ip' }, { kind: 'header', name: 'x-tenant' }],
      },
      {
        name: 'users',
        limit: 1000,
        window: 86_400_000,
        burst: 1000,
        mode: 'shadow',
        cost: { kind: 'response-header', name: 'x-used' },
      },
    ]);
    expect(login?.rateLimit).toMatchObject([{ name: 'login', limit: 60, window: 30_000, burst: 90 }]);
  });

  it('has credentials settled and secrets wrapped', () => {
    expect(auth.default.mode).toBe('optional');
    expect(auth.apiKeys).toEqual({ headers: ['x-key'], query: 'key', hide: false });
    expect(auth.jwt).toMatchObject({
      issuer: ['https://issuer.example.com'],
      algorithms: ['RS256', 'HS256'],
      jwks: [
        { cache: 60_000, cooldown: 5000 },
        { url: 'https://other.example.com/jwks', cache: 600_000, cooldown: 30_000 },
      ],
    });
    expect(auth.jwt?.publicKeys[0]?.text).toContain('BEGIN PUBLIC KEY');
    expect(auth.oauth2?.clientSecret?.reveal()).toBe('a');
    const day = 86_400_000;
    expect(auth.identity).toMatchObject({ default: false, audience: 'inside', lifetime: 120_000, rotate: 60 * day });
    expect(gateway.routes.map(({ identity }) => identity?.audience).slice(0, 2)).toEqual(['people', undefined]);
    expect(redis.url?.reveal()).toBe('rediss://:pw-6@redis:6380/1');
    expect(redis.tls).toMatchObject({ serverName: 'redis.internal' });
    expect(JSON.stringify(result)).not.toMatch(/pw-\d|tok-\d|0123456789abcdef/);
  });

  it('has alerts in the unit of their metric', () => {
    expect(monitoring.alerts.map(({ above }) => above)).toEqual([0.05, 500, 0.8]);
    expect(monitoring.notify[2]).toMatchObject({ type: 'pagerduty', severities: ['critical'] });
  });

  it('keeps what Aegis writes below the data directory or where it runs', () => {
    expect(database.dataDir).toBe('/var/lib/aegis/pg');
    expect(monitoring.spool?.dir).toBe('/var/lib/aegis/wait');
    expect(monitoring.logs.file).toBe('/srv/aegis/logs/aegis.log');
  });

  it('is frozen to the bottom', () => {
    expect(Object.isFrozen(gateway.routes[0]?.request.headers.set)).toBe(true);
    expect(() => Object.assign(gateway.limits, { body: 1 })).toThrow(TypeError);
  });
});

describe('a file with routes alone', () => {
  const { config } = accepted(withRoutes('- { path: /a, upstream: "http://127.0.0.1:1" }'));

  it('has no authentication, limits, CORS, active health checks or cache', () => {
    expect(config.auth).toMatchObject({
      default: { mode: 'none' },
      jwt: null,
      oauth2: null,
      identity: null,
      mtls: null,
      basic: null,
      hmac: null,
    });
    expect(config.rateLimiting).toMatchObject({ default: null, rules: [] });
    expect(config.gateway.cors).toBeNull();
    expect(config.gateway.upstreams[0]?.health.active).toBeNull();
    expect(config.gateway.routes[0]).toMatchObject({
      cache: null,
      cors: null,
      rateLimit: null,
      auth: { mode: 'none' },
    });
  });

  it('has the breaker, passive health, retries, compression and security headers', () => {
    expect(config.gateway).toMatchObject({ compression: true, securityHeaders: true, port: 8080, host: '0.0.0.0' });
    expect(config.gateway.upstreams[0]).toMatchObject({
      breaker: { failures: 0.5, minimum: 10, window: 10_000, open: 15_000, probes: 1 },
      health: { passive: { failures: 5, eject: 30_000, maxEjected: 0.5 }, allDown: 'fail' },
      timeouts: { connect: 2000, response: 30_000, idle: 60_000 },
    });
    expect(config.gateway.routes[0]?.upstreams[0]?.retry).toEqual({
      attempts: 2,
      when: ['connect', 'reset', 'timeout', 502, 503, 504],
      methods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'],
      budget: 0.2,
      backoff: 25,
    });
  });
});

describe('the other files', () => {
  it.each(['redirect', 'respond', 'sentinels', 'cluster', 'switched-off'])('%s is accepted', (name) => {
    const result = loadUnexamined({ file: fixture(name), env: {} }).result;
    expect(result.ok ? [] : result.mistakes).toEqual([]);
    expect(result.warnings).toEqual([]);
  });

  it('switched off means null, everywhere', () => {
    const result = loadUnexamined({ file: fixture('switched-off'), env: {} }).result;
    if (!result.ok) throw new Error('refused');
    const { gateway, auth, monitoring, ml, rateLimiting } = result.config;
    expect(gateway).toMatchObject({ tls: null, cors: null, limits: { body: null, requestTimeout: null } });
    expect(gateway.upstreams[0]).toMatchObject({
      breaker: null,
      retry: null,
      timeouts: { connect: null, response: null, idle: null },
    });
    expect(gateway.routes[0]).toMatchObject({ cache: null, cors: null, timeout: null, rateLimit: [] });
    expect([auth.apiKeys, monitoring.spool, ml.retrain, rateLimiting.default]).toEqual([null, null, null, null]);
  });

  it('a secret file loses the line break at its end and is watched', () => {
    const result = loadUnexamined({ file: fixture('sentinels'), env: {} }).result;
    if (!result.ok) throw new Error('refused');
    expect(result.config.redis.password?.reveal()).toBe('secret-8');
    expect(result.config.redis.sentinels).toEqual([
      { host: 'sentinel-1', port: 26379 },
      { host: '::1', port: 26380 },
    ]);
    expect(result.files).toEqual([fixture('sentinels'), join(fixture('sentinels'), '../pem/redis-password')]);
  });
});
