import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { accepted, loadText, mistakesOf, withRoutes } from '../../test/load-text.js';
import { loadUnexamined } from '../load.js';
import { maskedConfig } from '../masked.js';

const FIXTURE = fileURLToPath(new URL('../../test/fixtures/everything.yaml', import.meta.url));
const SECRETS = { OIDC_SECRET: 'a', HOOK_SECRET: 'b', PD_KEY: 'c', LLM_KEY: 'd' };
const PLAIN = withRoutes('- { name: a, path: /a, upstream: "http://127.0.0.1:1" }');

describe('a reference to the environment', () => {
  it('is replaced in any value, also inside a longer text', () => {
    const text = withRoutes(
      '- { path: "/${VERSION}/users", upstream: "http://${HOST}:${UP_PORT:-4000}" }',
      'admin:\n  port: ${ADMIN_PORT}\n  console: "${CONSOLE:-off}"\n',
    );
    const { config } = accepted(text, { VERSION: 'v1', HOST: '127.0.0.1', ADMIN_PORT: '9000' });
    expect(config.gateway.routes[0]?.path).toEqual({ kind: 'prefix', value: '/v1/users' });
    expect(config.gateway.upstreams[0]?.targets[0]?.url).toBe('http://127.0.0.1:4000');
    expect(config.admin).toMatchObject({ port: 9000, console: false });
  });

  it('is left alone when it is escaped', () => {
    const { config } = accepted(withRoutes('- { path: /a, respond: { body: "$${NAME} costs 5$" } }'));
    expect(config.gateway.routes[0]?.respond?.body).toBe('${NAME} costs 5$');
  });

  it('to nothing takes the default also when the variable is empty', () => {
    const text = withRoutes('- { path: /a, respond: { body: "${A:-one}${B-two}" } }');
    expect(mistakesOf(text)).toEqual([expect.stringContaining('"${B-two}" is not a reference')]);
    const { config } = accepted(text.replace('${B-two}', '${B:-}'), { A: '' });
    expect(config.gateway.routes[0]?.respond?.body).toBe('one');
  });

  it('that is empty is as if the key were left out', () => {
    expect(accepted(`${PLAIN}redis:\n  url: "\${R:-}"\n`).config.redis.url).toBeNull();
  });

  it('to a variable that is not there is a mistake that names it', () => {
    expect(mistakesOf(`${PLAIN}redis: { url: "\${REDIS}" }\n`)).toEqual([
      '4:15 redis.url: the environment variable REDIS is not set; set it, or give a default: ${REDIS:-…}',
    ]);
  });

  it('does not show its value in a mistake', () => {
    const result = loadText(`${PLAIN}nlQuery: { timeout: "\${TOKEN}" }\n`, { TOKEN: 'hunter2' });
    expect(JSON.stringify(result)).not.toContain('hunter2');
    expect(result).toMatchObject({ mistakes: [{ message: 'the value of "${TOKEN}" is not a duration' }] });
  });
});

describe('a setting from the environment', () => {
  it('wins over the file, whatever its case and underscores', () => {
    const { config } = accepted(PLAIN, {
      AEGIS__GATEWAY__PORT: '9090',
      aegis__gateway__drain_delay: '2s',
      AEGIS__RATELIMITING__ONSTOREFAILURE: 'deny',
      AEGIS__GATEWAY__COMPRESSION: 'off',
      AEGIS__GATEWAY__TRUSTEDPROXIES: '[10.0.0.0/8, "::1"]',
      AEGIS__GATEWAY__ROUTES__0__PATH: '/b',
      AEGIS__GATEWAY__ROUTES__0__REQUEST__HEADERS__SET__X_TEAM: '007',
      AEGIS__REDIS__KEYPREFIX: '"12"',
    });
    expect(config.gateway).toMatchObject({ port: 9090, drainDelay: 2000, compression: false });
    expect(config.gateway.trustedProxies).toEqual(['10.0.0.0/8', '::1']);
    expect(config.gateway.routes[0]).toMatchObject({
      path: { kind: 'prefix', value: '/b' },
      request: { headers: { set: { x_team: '007' } } },
    });
    expect(config.rateLimiting.onStoreFailure).toBe('deny');
    expect(config.redis.keyPrefix).toBe('12');
  });

  it('adds entries to a list in the order of their numbers', () => {
    const env = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`AEGIS__GATEWAY__ROUTES__${i + 1}__PATH`, `/added/${i + 1}`]),
    );
    const upstreams = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`AEGIS__GATEWAY__ROUTES__${i + 1}__UPSTREAM`, 'http://127.0.0.1:1']),
    );
    const { config } = accepted(PLAIN, { ...env, ...upstreams });
    expect(config.gateway.routes.map(({ path }) => path.value).slice(10)).toEqual([
      '/added/10',
      '/added/11',
      '/added/12',
    ]);
  });

  it('PORT, DATABASE_URL and REDIS_URL win over the file and lose against AEGIS__', () => {
    const text = PLAIN.replace('gateway:', 'gateway:\n  port: 1111');
    const env = { PORT: '2222', DATABASE_URL: 'postgres://a@b/c', REDIS_URL: 'redis://r' };
    const { config } = accepted(text, env);
    expect(config.gateway.port).toBe(2222);
    expect(config.database.url?.reveal()).toBe('postgres://a@b/c');
    expect(config.redis.url?.reveal()).toBe('redis://r');
    expect(accepted(text, { ...env, AEGIS__GATEWAY__PORT: '3333' }).config.gateway.port).toBe(3333);
    expect(accepted(text, { PORT: '', REDIS_URL: '' }).config.gateway.port).toBe(1111);
  });

  it('can make up a whole configuration', () => {
    const env = { AEGIS__GATEWAY__ROUTES: '[{ path: /a, respond: { body: hi } }]' };
    expect(accepted('', env).config.gateway.routes[0]?.respond?.body).toBe('hi');
  });

  it('that is unknown, or wrong, is a mistake that names the variable', () => {
    const result = loadText(PLAIN, {
      AEGIS__GATEWAY__PROT: '1',
      AEGIS__GATEWAY__PORT: 'http',
      AEGIS__GATEWAY__ROUTES__7__PATH: '/x',
      AEGIS__GATEWAY__HOST__NAME: 'x',
      AEGIS__GATEWAY__IP: '{ allow: [',
    });
    expect(result.ok ? [] : result.mistakes).toMatchObject([
      { variable: 'AEGIS__GATEWAY__HOST__NAME', path: 'gateway.host.NAME' },
      { variable: 'AEGIS__GATEWAY__IP', path: 'gateway.ip', message: expect.stringContaining('not valid YAML') },
      { variable: 'AEGIS__GATEWAY__PROT', hint: 'did you mean port?' },
      { variable: 'AEGIS__GATEWAY__ROUTES__7__PATH', allowed: '0 to 1, where 1 adds one' },
      { variable: 'AEGIS__GATEWAY__PORT', message: 'the value of AEGIS__GATEWAY__PORT is not a whole number' },
    ]);
  });

  it('exists for every single setting', () => {
    const original = loadUnexamined({ file: FIXTURE, env: SECRETS }).result;
    if (!original.ok) throw new Error('the fixture is wrong');
    const env = Object.fromEntries(variablesOf(maskedConfig(original.config), 'AEGIS'));
    expect(Object.keys(env).length).toBeGreaterThan(300);
    const overridden = loadUnexamined({ file: FIXTURE, env: { ...SECRETS, ...env } }).result;
    expect(overridden.ok ? [] : overridden.mistakes).toEqual([]);
    expect(overridden).toMatchObject({ ok: true, hash: original.hash });
  });
});

/** A variable for each leaf of a tree, except for what is masked. */
function* variablesOf(value: unknown, name: string): Generator<readonly [string, string]> {
  if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) yield* variablesOf(child, `${name}__${key.toUpperCase()}`);
  } else if (!/\(masked|\*\*\*/.test(String(value)))
    yield [name, typeof value === 'string' ? `'${value}'` : String(value)];
}
