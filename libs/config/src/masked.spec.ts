import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { formatDuration, formatSize } from '#kernel';
import { accepted } from '../test/load-text.js';
import { loadUnexamined } from './load.js';
import { maskedConfig, maskedYaml } from './masked.js';
import { Secret } from './secrets/secret.js';

const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !/[\0\ud800-\udfff]/.test(value));
/** Texts that YAML, or the references of a configuration, could take for something else. */
const tricky = fc.oneof(
  text,
  fc.constantFrom(
    'off',
    'true',
    'null',
    '~',
    '012',
    '1e3',
    '0x10',
    '${A}',
    '$${A}',
    '- a',
    'a: b',
    '# c',
    '*x',
    '&x',
    '!x',
    '"',
    "'",
    ' x ',
  ),
);
const token = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
const headerValue = fc.stringMatching(/^[ -~]{0,12}$/);
const wait = fc.integer({ min: 1, max: 2_147_483_647 }).map(formatDuration);
const path = fc.array(token, { minLength: 1, maxLength: 3 }).map((segments) => `/x/${segments.join('/')}`);
const headers = fc.dictionary(
  token.map((name) => `x-${name}`),
  headerValue,
  { maxKeys: 3 },
);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const route = fc.record({
  path: fc.oneof(
    path,
    path.map((prefix) => `${prefix}/:id/*`),
    path.map((exact) => ({ exact })),
    fc.constantFrom({ regex: '^/v[0-9]+$' }, { prefix: '/p/:odd' }),
  ),
  hosts: maybe(
    fc.array(
      token.map((name) => `*.${name}.example`),
      { maxLength: 2 },
    ),
  ),
  methods: maybe(fc.subarray(['GET', 'POST', 'PURGE'])),
  headers: maybe(fc.dictionary(token, fc.oneof(tricky, fc.constantFrom({ regex: 'a+' }, { present: true })))),
  query: maybe(
    fc.dictionary(
      tricky.filter((name) => name !== ''),
      tricky,
    ),
  ),
  priority: maybe(fc.integer({ min: -9, max: 9 })),
  upstream: fc.oneof(
    fc.constantFrom('u', 'http://127.0.0.1:1', [
      { upstream: 'u', weight: 3 },
      { upstream: 'https://h:1', weight: 0 },
    ]),
  ),
  timeout: maybe(fc.oneof(wait, fc.constant('off'))),
  retry: maybe(fc.constantFrom({}, 'off', { attempts: 5 }, { when: ['connect', 500] })),
  cors: maybe(fc.constantFrom('off', { origins: ['*'] }, { origins: ['https://a.b'], credentials: true })),
  limits: maybe(fc.record({ body: fc.oneof(fc.constant('off'), fc.nat().map(formatSize)) })),
  cache: maybe(fc.constantFrom('off', {}, { ttl: '5s' })),
  request: maybe(fc.record({ headers: fc.record({ set: headers, add: headers }) })),
  auth: maybe(fc.constantFrom('none', 'optional', 'required', { roles: ['a'] }, {})),
  rateLimit: maybe(fc.constantFrom({}, false, { limit: 3 }, [{ limit: 1 }, { limit: 2, key: ['ip', 'header:A'] }])),
  mirror: maybe(
    fc.record({ upstream: fc.constant('u'), percent: fc.integer({ min: 0, max: 1000 }).map((n) => `${n / 10}%`) }),
  ),
});

const configuration = fc.record({
  gateway: fc.record({
    upstreams: fc
      .record({
        breaker: maybe(fc.constantFrom('off', 'on', { failures: '33.3%' })),
        health: maybe(fc.constantFrom('off', { active: 'on' }, { active: { status: '200,301-308' }, passive: false })),
        concurrency: maybe(fc.constantFrom(3, 'adaptive', 'unlimited')),
        targets: fc.constantFrom(['http://a'], [{ url: 'http://b', weight: 2, resolve: '3s' }, 'http://c']),
      })
      .map((upstream) => [{ name: 'u', ...upstream }]),
    routes: fc.array(route, { maxLength: 4 }),
    cors: maybe(fc.constantFrom('off', { origins: ['https://A.b:443'] })),
  }),
  rateLimiting: maybe(
    fc.constantFrom(
      { default: {} },
      {
        default: 'off',
        rules: [
          { limit: 5, burst: 7 },
          { limit: 6, cost: 'header:c' },
        ],
      },
    ),
  ),
  redis: maybe(fc.record({ url: fc.constant('redis://:secret@h'), keyPrefix: tricky })),
  monitoring: maybe(
    fc.constantFrom({ spool: 'off' }, { alerts: [{ name: 'a', metric: 'latency-p99', above: '1500ms' }] }),
  ),
});

/** So that the texts mean themselves. */
function escaped(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('${', () => '$${'));
}

describe('a masked configuration', () => {
  it.each([false, true])('is accepted again and means the same (terse: %s)', (terse) => {
    fc.assert(
      fc.property(configuration, (value) => {
        const first = accepted(stringify(escaped(value)));
        const second = accepted(maskedYaml(first.config, { terse }));
        expect(JSON.stringify(second.config.gateway)).toBe(JSON.stringify(first.config.gateway));
        expect(JSON.stringify(second.config.rateLimiting)).toBe(JSON.stringify(first.config.rateLimiting));
        expect(maskedConfig(second.config)).toEqual(maskedConfig(first.config));
        if (value.redis === undefined) expect(second.hash).toBe(first.hash);
      }),
      { numRuns: 40 },
    );
  });

  it('of the fixture that says everything shows no secret, but where each comes from', () => {
    const file = fileURLToPath(new URL('../test/fixtures/everything.yaml', import.meta.url));
    const env = { OIDC_SECRET: 'tok-8', HOOK_SECRET: 'tok-9', PD_KEY: 'tok-10', LLM_KEY: 'tok-11' };
    const loaded = loadUnexamined({ file, env }).result;
    if (!loaded.ok) throw new Error('refused');
    const yaml = maskedYaml(loaded.config);
    expect(yaml).not.toMatch(/pw-\d|tok-\d|0123456789abcdef/);
    expect(parse(yaml)).toMatchObject({
      auth: { jwt: { publicKeys: [{ file: './pem/issuer.pem' }] }, oauth2: { clientSecret: '(masked)' } },
      database: { url: 'postgres://aegis:(masked)@db:5432/aegis' },
      monitoring: {
        notify: [
          { url: 'https://hooks.example.com/(masked)' },
          {},
          {},
          { smtp: 'smtp://me:(masked)@mail.example.com:587' },
        ],
      },
    });
  });

  it('masks headers and parameters that sound like credentials, and what lifts limits', () => {
    const { config } = accepted(
      'gateway: { routes: [{ path: /a, upstream: "http://h:1", request: { headers: { set: { Authorization: "Bearer hunter2", X-Team: blue } }, query: { set: { api_key: hunter2 } } } }] }\n' +
        'rateLimiting: { bypass: { header: { X-Free: hunter2, X-Re: { regex: "^a" } } } }\n',
    );
    expect(config.gateway.routes[0]?.request.headers.set).toEqual({
      authorization: 'Bearer hunter2',
      'x-team': 'blue',
    });
    expect(config.rateLimiting.bypass.header['x-free']).toEqual({ kind: 'exact', value: 'hunter2' });
    const shown = maskedConfig(config, { terse: true });
    expect(JSON.stringify(shown)).not.toContain('hunter2');
    expect(shown).toMatchObject({
      gateway: { routes: [{ request: { headers: { set: { authorization: '(masked)', 'x-team': 'blue' } } } }] },
      rateLimiting: { bypass: { header: { 'x-free': '(masked)', 'x-re': { regex: '^a' } } } },
    });
  });

  it('that is terse says only what is not as it would be anyway', () => {
    const { config } = accepted(
      'gateway: { port: 8080, routes: [{ path: /a, respond: { status: 204 } }] }\nml: { enabled: on }\n',
    );
    expect(maskedConfig(config, { terse: true })).toEqual({
      gateway: { routes: [{ path: '/a', respond: { status: 204 } }] },
    });
  });

  it('keeps references to files and ciphertexts of secrets', () => {
    expect(String(new Secret('x', undefined, { file: './x' }))).toBe('(masked)');
    const { config } = accepted(
      'gateway: { routes: [] }\nredis: { cluster: ["h:1"], password: { file: /etc/hostname } }\n',
    );
    expect(maskedConfig(config, { terse: true })).toMatchObject({ redis: { password: { file: '/etc/hostname' } } });
  });
});
