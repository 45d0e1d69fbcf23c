import { describe, expect, it } from '@jest/globals';
import { accepted, loadText, mistakesOf, withRoutes } from '../../test/load-text.js';

const UP = 'upstream: "http://127.0.0.1:1"';
const HASH = '"$argon2id$v=19$m=19456,t=2,p=1$bFwEW3/cy0zzGvxQpZKlqg$IdpZ/DWTdRNzHXX61OJsfRM7EE//qeqeNLYTdI+/4a4"';
const PLAIN = withRoutes(`- { path: /a, ${UP} }`);

function warningsOf(text: string): readonly string[] {
  return loadText(text).warnings.map(({ path, message }) => `${path}: ${message}`);
}

describe('a route', () => {
  it('has exactly one of upstream, redirect and respond', () => {
    expect(mistakesOf(withRoutes('- { path: /a }'))).toEqual([expect.stringContaining('the route does nothing')]);
    expect(mistakesOf(withRoutes(`- { path: /a, ${UP}, respond: {} }`))).toEqual([
      expect.stringContaining('exactly one'),
    ]);
  });

  it('is named after its path, without taking a name that is given', () => {
    const { config } = accepted(
      withRoutes(
        ['/a/b', '/a/:b', '/a/*', '/', '/x'].map((path) => `- { path: "${path}", ${UP} }`).join('\n') +
          `\n- { name: x, path: /y, ${UP} }`,
      ),
    );
    expect(config.gateway.routes.map(({ name }) => name)).toEqual(['a-b', 'a-b-2', 'a', 'root', 'x-2', 'x']);
  });

  it.each([
    ['/api/users', 'prefix'],
    ['/api/users:batch', 'prefix'],
    ['/orders/:id', 'pattern'],
    ['/files/*', 'pattern'],
    ['/*', 'pattern'],
  ])('with the path %s has a %s', (path, kind) => {
    const { config } = accepted(withRoutes(`- { path: "${path}", ${UP} }`));
    expect(config.gateway.routes[0]?.path).toEqual({ kind, value: path });
  });

  it.each([
    ['api', 'begins with /'],
    ['/a//b', 'doubled slash'],
    ['/a/../b', 'dot segment'],
    ['/a?b=c', 'no ? or #'],
    ['/käse', 'percent-encoded: /k%C3%A4se'],
    ['/a%2', 'two hexadecimal digits'],
    ['/%61dmin', 'write a instead of %61'],
    ['/a*', 'a * is the whole last segment'],
    ['/*/a', 'a * is the whole last segment'],
    ['/:a/:a', 'stands there twice'],
    ['/:', 'is not a parameter'],
  ])('cannot have the path %s', (path, message) => {
    expect(mistakesOf(withRoutes(`- { path: "${path}", ${UP} }`))).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    '/health',
    '/health/live',
    '/metrics',
    '/_aegis',
    '/_aegis/x',
    '/api/metrics/latency',
    '/api/health',
    '/api/alerts/x',
    '/api/nl-query',
    '/api/admin',
    '/ws/metrics',
    '/console',
    '/console/',
    '/console/x',
    '/console/*',
    '/api/admin/:name',
  ])('may not ask for the reserved path %s', (path) => {
    expect(mistakesOf(withRoutes(`- { path: "${path}", ${UP} }`))).toEqual([expect.stringContaining('is reserved')]);
    const own = mistakesOf(withRoutes(`- { path: "${path}", ${UP} }`, 'admin: { port: 9001 }\n'));
    expect(own).toEqual(path.startsWith('/health') ? [expect.stringContaining('is reserved')] : []);
  });

  it.each([
    '/',
    '/api',
    '/api/:x',
    '/*',
    '/healthz',
    '/metricsx',
    '/api/alertsx',
    '/consoles',
    '/api/healthy',
    '/metrics/sub',
    '/Console',
  ])('may have the path %s, which only reaches over reserved ones or looks like one', (path) => {
    expect(mistakesOf(withRoutes(`- { path: "${path}", ${UP} }`))).toEqual([]);
  });

  it.each([
    ['^/api/admin/', true],
    ['^/console$', true],
    ['^/metrics', true],
    ['^/metrics-of-mine', false],
    ['^/api/[a-z]+', false],
    ['/console', false],
  ])('with the regular expression %s is refused: %s', (regex, refused) => {
    const mistakes = mistakesOf(withRoutes(`- { path: { regex: "${regex}" }, ${UP} }`));
    expect(mistakes).toEqual(refused ? [expect.stringContaining('is reserved')] : []);
  });

  it('may not ask for the path of Prometheus when that was moved', () => {
    const rest = 'monitoring: { prometheus: { path: /internal/metrics } }\n';
    expect(mistakesOf(withRoutes(`- { path: /internal/metrics, ${UP} }`, rest))).toHaveLength(1);
  });

  it('rewrites by prefix or by a whole path, with parameters that it has', () => {
    expect(mistakesOf(withRoutes(`- { path: /a, ${UP}, rewrite: { path: /b, prefix: /c } }`))).toEqual([
      expect.stringContaining('prefix cannot stand beside it'),
    ]);
    expect(mistakesOf(withRoutes(`- { path: /a, ${UP}, rewrite: { path: "/:id" } }`))).toEqual([
      expect.stringContaining('no :id'),
    ]);
    expect(mistakesOf(withRoutes(`- { path: "/:a", ${UP}, rewrite: { path: "/:1/*" } }`))).toHaveLength(2);
    expect(mistakesOf(withRoutes(`- { path: "/:a/*", ${UP}, rewrite: { path: "/x/:a/*" } }`))).toEqual([]);
    expect(warningsOf(withRoutes(`- { path: /a, ${UP}, rewrite: { stripPrefix: /b } }`))).toEqual([
      expect.stringContaining('begins with /b'),
    ]);
    expect(warningsOf(withRoutes(`- { path: /, ${UP}, rewrite: { stripPrefix: /b } }`))).toEqual([]);
  });

  it('redirects somewhere else', () => {
    const redirect = (how: string): readonly string[] => mistakesOf(withRoutes(`- { path: /a, redirect: { ${how} } }`));
    expect(redirect('status: 302')).toEqual([expect.stringContaining('back to itself')]);
    expect(redirect('status: 304, path: /b')).toEqual([expect.stringContaining('304 is not a redirect')]);
    expect(redirect('path: /b, prefix: /c')).toEqual([expect.stringContaining('prefix cannot stand beside it')]);
    expect(mistakesOf(withRoutes('- { path: { regex: /a }, redirect: { prefix: /b } }'))).toEqual([
      expect.stringContaining('prefix to replace'),
    ]);
  });

  it('that can never be reached is remarked', () => {
    expect(
      warningsOf(
        withRoutes(`- { path: /a, ${UP}, methods: [GET, POST] }\n- { path: /a, ${UP}, methods: [POST, GET] }`),
      ),
    ).toEqual(['gateway.routes[1]: no request reaches it: route a takes exactly the same ones']);
  });

  it('with settings that only matter upstream is remarked when it has none', () => {
    expect(warningsOf(withRoutes('- { path: /a, respond: {}, timeout: 1s, cache: {} }'))).toHaveLength(2);
  });

  it('needs a weight somewhere, and names upstreams that exist', () => {
    expect(mistakesOf(withRoutes('- { path: /a, upstream: [{ upstream: "http://127.0.0.1:1", weight: 0 }] }'))).toEqual(
      [expect.stringContaining('every weight is 0')],
    );
    expect(mistakesOf(withRoutes(`- { path: /a, ${UP}, mirror: { upstream: shadow } }`))).toEqual([
      expect.stringContaining('no upstream is called "shadow"'),
    ]);
  });

  it('cannot set what frames a message', () => {
    for (const header of ['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'a b']) {
      expect(
        mistakesOf(withRoutes(`- { path: /a, ${UP}, request: { headers: { set: { "${header}": x } } } }`)),
      ).toHaveLength(1);
    }
  });
});

describe('an upstream', () => {
  const upstream = (what: string): string => `gateway:\n  upstreams: [{ name: u, ${what} }]\n  routes: []\n`;

  it.each([
    ['targets: []', 'at least one'],
    ['targets: ["http://a", "http://A:80"]', 'is target 1 already'],
    ['targets: [{ url: "http://a", weight: 0 }]', 'every target has weight 0'],
    ['targets: ["http://u:p@a"]', 'has no credentials'],
    ['targets: ["http://a/path"]', 'without a path'],
    ['targets: ["http://a"], tls: { cert: ./c }', 'cert needs key'],
    ['targets: ["http://a"], retry: { when: [302] }', 'out of range'],
    ['targets: ["http://a"], retry: { when: [conect] }', 'is not known here'],
    ['targets: ["http://a"], concurrency: 0', 'out of range'],
    ['targets: ["http://a"], hashOn: header, balance: hash', 'is not known here'],
    ['targets: ["http://a"], health: { active: { status: 399-200 } }', 'ends before it begins'],
    ['targets: ["http://a"], breaker: { failures: 120% }', 'at most 100%'],
    ['targets: ["http://a"], timeouts: { response: 30d }', 'at most'],
  ])('with %s is refused', (what, message) => {
    expect(mistakesOf(upstream(what))).toEqual([expect.stringContaining(message)]);
  });

  it('hashes the address when nothing is said, and only hashes when it balances by hash', () => {
    expect(accepted(upstream('targets: ["http://a"], balance: hash')).config.gateway.upstreams[0]?.hashOn).toEqual({
      kind: 'ip',
    });
    expect(warningsOf(upstream('targets: ["http://a"], hashOn: path'))).toEqual([
      expect.stringContaining('no effect with balance: round-robin'),
    ]);
  });

  it('may be the demo inside Aegis', () => {
    const { config } = accepted(withRoutes('- { path: /a, upstream: "builtin:demo" }'));
    expect(config.gateway.upstreams).toMatchObject([
      { name: 'builtin:demo', targets: [{ url: 'builtin:demo' }], implicit: true },
    ]);
  });

  it('that is implicit is one for the same URL, and another for another scheme', () => {
    const urls = ['http://a', 'http://A:80/', 'https://a', 'http://a:443', 'https://a:80', 'https://a:443'];
    const { config } = accepted(withRoutes(urls.map((url, i) => `- { path: /${i}, upstream: "${url}" }`).join('\n')));
    expect(config.gateway.upstreams.map(({ name }) => name)).toEqual(['a:80', 'a:443', 'http://a:443', 'https://a:80']);
  });
});

describe('sections together', () => {
  it('workers need Redis', () => {
    const text = PLAIN.replace('gateway:', 'gateway:\n  workers: 2');
    expect(mistakesOf(text)).toEqual([expect.stringContaining('2 workers need redis.url')]);
    expect(accepted(text, { REDIS_URL: 'redis://h' }).config.gateway.workers).toBe(2);
  });

  it('CORS with any origin goes without credentials', () => {
    const cors = (what: string): string => PLAIN.replace('gateway:', `gateway:\n  cors: { ${what} }`);
    expect(accepted(cors('origins: ["*"]')).config.gateway.cors?.credentials).toBe(false);
    expect(accepted(cors('origins: [https://a.b]')).config.gateway.cors?.credentials).toBe(true);
    expect(mistakesOf(cors('origins: ["*"], credentials: true'))).toEqual([expect.stringContaining('browsers refuse')]);
    expect(mistakesOf(cors('origins: [https://a.b/path]'))).toHaveLength(1);
    expect(mistakesOf(withRoutes(`- { path: /a, ${UP}, cors: {} }`))).toEqual([
      expect.stringContaining('no gateway.cors to take it from'),
    ]);
  });

  it.each([
    ['admin: { port: 8080 }', "is the gateway's port"],
    ['rateLimiting: { store: redis }', 'no Redis is configured'],
    ['rateLimiting: { rules: [{ path: /a }] }', 'limit: it is missing'],
    ['rateLimiting: { rules: [{ limit: 1, name: a }, { limit: 1, name: a }] }', 'another rule is called "a"'],
    ['rateLimiting: { rules: [{ limit: 1, path: "/a*" }] }', 'after a slash'],
    ['rateLimiting: { rules: [{ limit: 1, window: week }] }', 'is not a duration'],
    ['auth: { consumers: [{ name: a, limits: { b: { limit: 1 } } }] }', 'no rule is called "b"'],
    ['auth: { consumers: [{ name: a, limits: { b: {} } }] }', 'limit: it is missing'],
    [
      'rateLimiting: { rules: [{ name: b, limit: 1, window: day }] }\nauth: { consumers: [{ name: a, limits: { b: { limit: 1, window: 1h } } }] }',
      'the rule counts by the calendar day',
    ],
    ['redis: { url: "redis://h", cluster: ["h:1"] }', 'only one of'],
    ['ml: { limits: { floor: 5, ceiling: 4 } }', 'above ceiling'],
    ['auth: { rbac: { roles: { a: { inherits: [b] }, b: { inherits: [a] } } } }', 'inherits itself: a → b → a'],
    ['auth: { default: { methods: [jwt] } }', 'nobody could get in'],
    ['auth: { consumers: [{ name: a }, { name: a }] }', 'another consumer'],
    [
      `auth: { consumers: [{ name: a, basic: { hash: ${HASH} } }, { name: b, basic: { username: a, hash: ${HASH} } }] }`,
      'the user "a" belongs to a already',
    ],
    [
      'auth: { consumers: [{ name: a, certificates: [x] }, { name: b, certificates: [y, x] }] }',
      'the certificate "x" belongs to a already',
    ],
    ['auth: { consumers: [{ name: a }, { name: b, certificates: [a] }] }', 'the certificate "a" belongs to a already'],
    ['auth: { jwt: { secrets: ["(masked: at least 32 bytes in the original)"] } }', 'write the secret itself'],
    ['auth: { consumers: [{ name: a, basic: { hash: plain-text } }] }', 'it is not an argon2id hash'],
    [
      `auth: { consumers: [{ name: a, basic: { hash: ${HASH.replace('m=19456', 'm=9999999')} } }] }`,
      'its cost is out of bounds',
    ],
    [`auth: { consumers: [{ name: a, basic: { username: 'a:b', hash: ${HASH} } }] }`, 'no colon'],
    ['auth: { jwt: { secrets: [short] } }', 'shorter than 32 bytes'],
    ['auth: { jwt: { publicKeys: [nonsense] } }', 'neither a PEM public key'],
    ['monitoring: { alerts: [{ name: a, metric: error-rate, above: 5 }] }', 'error-rate is measured otherwise'],
    ['monitoring: { notify: [{ type: pager }] }', 'is not known here'],
    ['monitoring: { notify: [{ url: x }] }', 'type is missing'],
    ['gateway2: {}', 'unknown key'],
  ])('%s is refused', (rest, message) => {
    const mistakes = mistakesOf(`${PLAIN}${rest}\n`);
    expect(mistakes).toContainEqual(expect.stringContaining(message));
  });

  it.each([
    ['auth: { jwt: {} }', 'no token can be verified'],
    ['redis: { master: a }', 'no effect without sentinels'],
    ['rateLimiting: { rules: [{ limit: 1, burst: 2, algorithm: fixed-window }] }', 'no effect with algorithm'],
    ['rateLimiting: { rules: [{ limit: 1, burst: 2, window: month }] }', 'no effect with window: month'],
    ['monitoring: { alerts: [{ name: a, metric: error-rate, above: 5%, route: b }] }', 'no route is called "b"'],
    ['monitoring: { notify: [{ type: email, smtp: "smtp://h", to: [] }] }', 'nobody gets these'],
    ['auth: { rbac: { rules: [{ path: /a, roles: [nobody] }] } }', 'no role is called "nobody" here'],
    [
      `auth: { jwt: { secrets: [${'s'.repeat(32)}] }, rbac: { rules: [{ path: /a, roles: [oprator] }] } }`,
      'no role is called "oprator" here',
    ],
  ])('%s is remarked', (rest, message) => {
    expect(warningsOf(`${PLAIN}${rest}\n`)).toEqual([expect.stringContaining(message)]);
  });

  it('a role that a token may bring, or that a consumer has, needs no declaration', () => {
    const rules = 'rbac: { rules: [{ path: /a, roles: [guests] }] }';
    expect(warningsOf(`${PLAIN}auth: { jwt: { secrets: [${'s'.repeat(32)}] }, ${rules} }\n`)).toEqual([]);
    expect(warningsOf(`${PLAIN}auth: { consumers: [{ name: a, roles: [guests] }], ${rules} }\n`)).toEqual([]);
  });

  it('a role that nobody has here is no news where consumers come from a database, unless it is misspelt', () => {
    const database = 'database: { url: "postgres://db/aegis" }\n';
    const asked = (role: string): string =>
      `${PLAIN}${database}auth: { rbac: { rules: [{ path: /a, roles: [${role}] }] } }\n`;
    expect(warningsOf(asked('guests'))).toEqual([]);
    expect(warningsOf(asked('oprator'))).toEqual([expect.stringContaining('"oprator"')]);
  });

  it('a method that a route lists is on when it needs no settings', () => {
    const { config } = accepted(withRoutes(`- { path: /a, ${UP}, auth: { methods: [basic, hmac, mtls] } }`));
    expect(config.auth).toMatchObject({ basic: {}, hmac: { clockSkew: 300_000 }, mtls: { consumerFrom: 'san-dns' } });
  });

  it('a public key may be a JWK, and never a private one', () => {
    const jwk = '{ kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo }';
    expect(accepted(`${PLAIN}auth: { jwt: { publicKeys: [${jwk}] } }\n`).config.auth.jwt?.publicKeys).toHaveLength(1);
    const secret = jwk.replace(' }', ', d: nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A }');
    expect(mistakesOf(`${PLAIN}auth: { jwt: { publicKeys: [${secret}] } }\n`)).toEqual([
      expect.stringContaining('private key'),
    ]);
  });
});
