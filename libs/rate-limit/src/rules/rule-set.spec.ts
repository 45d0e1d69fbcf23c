import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type RateLimitingConfig, type RateLimitRule, type RouteConfig } from '#config';
import { exchangeOf, FakeClock, limitRule, rateLimiting } from '#testing';
import { MemoryStore } from '../stores/memory-store.js';
import { Bypass } from './bypass.js';
import { costAfter, costBefore } from './cost.js';
import { keyOf } from './key.js';
import { networkOf } from './network.js';
import { PathIndex } from './path-index.js';
import { RuleSet } from './rule-set.js';

type Fields = Parameters<typeof exchangeOf>[0];
type OfRoute = Pick<RouteConfig, 'name' | 'rateLimit'>;

function applying(config: Partial<RateLimitingConfig>, request: Fields, routes: readonly OfRoute[] = []): string[] {
  const set = new RuleSet(rateLimiting(config), routes);
  return set.checksFor(exchangeOf(request)).map(({ rule }) => rule.name);
}

const named = (name: string, fields: Partial<RateLimitRule> = {}): RateLimitRule => limitRule({ name, ...fields });

describe('the rules that apply to a request', () => {
  const rules = [
    named('all'),
    named('admin', { path: '/admin/*' }),
    named('critical', { path: '/api/critical', methods: ['POST'] }),
    named('api', { path: '/api/*' }),
  ];

  it.each([
    ['/', 'GET', ['all']],
    ['/admin', 'GET', ['all', 'admin']],
    ['/admin/', 'GET', ['all', 'admin']],
    ['/admin/users/7', 'GET', ['all', 'admin']],
    ['/administrator', 'GET', ['all']],
    ['/api/critical', 'POST', ['all', 'critical', 'api']],
    ['/api/critical/', 'POST', ['all', 'critical', 'api']],
    ['/api/critical', 'GET', ['all', 'api']],
    ['/api/critical/more', 'POST', ['all', 'api']],
  ])('at %s with %s are all that match, in the order of the file', (path, method, expected) => {
    expect(applying({ rules }, { path, method })).toEqual(expected);
  });

  it('are the default where none matches', () => {
    const config = { rules: [named('admin', { path: '/admin/*' })], default: named('default') };
    expect(applying(config, { path: '/elsewhere' })).toEqual(['default']);
    expect(applying(config, { path: '/admin' })).toEqual(['admin']);
  });

  it('are the own ones of a route beside those that match, in place of the default', () => {
    const config = { rules: [named('admin', { path: '/admin/*' })], default: named('default') };
    const routes = [
      { name: 'own', rateLimit: [named('own'), named('own-posts', { methods: ['POST'] })] },
      { name: 'none', rateLimit: [] },
      { name: 'silent', rateLimit: null },
    ];
    expect(applying(config, { path: '/x', route: 'own' }, routes)).toEqual(['own']);
    expect(applying(config, { path: '/admin', route: 'own', method: 'POST' }, routes)).toEqual([
      'admin',
      'own',
      'own-posts',
    ]);
    expect(applying(config, { path: '/x', route: 'none' }, routes)).toEqual([]);
    expect(applying(config, { path: '/x', route: 'silent' }, routes)).toEqual(['default']);
  });

  const waysToLogin = [
    '/login;x',
    '/login%2F',
    '/login%2f',
    '/login%3Bx=1',
    '/login/;a=b',
    '/x/..;/login',
    '/x/..%3B/login',
    '/x%2F..;%2Flogin',
    '/%2Flogin',
    '/%5Clogin',
    '//login',
    '/%256Cogin',
    '/login%252F',
    '/x/..%253B/login',
  ];

  it.each(waysToLogin)('at %s are those for /login too, as upstreams may read it', (path) => {
    const config = { rules: [named('login', { path: '/login' }), named('below', { path: '/login/*' })] };
    expect(applying(config, { path })).toEqual(['login', 'below']);
    const routes = [{ name: 'own', rateLimit: [named('own', { path: '/login' })] }];
    expect(applying({}, { path, route: 'own' }, routes)).toEqual(['own']);
  });

  it.each(['/login', '/login2', '/login%20', '/x%2Flogin', '/login..;/x', '/LOGIN', '/x/login;y'])(
    'at %s are as written',
    (path) => {
      const expected = path === '/login' ? ['login'] : ['default'];
      const config = { rules: [named('login', { path: '/login' })], default: named('default') };
      expect(applying(config, { path })).toEqual(expected);
    },
  );

  it('at a path that can be read in two ways are those of each: a wide one lifts no narrow one', () => {
    const rules = [
      named('wide', { path: '/wide/*', limit: 1000 }),
      named('login', { path: '/login', limit: 1 }),
      named('all', { path: '/*', mode: 'shadow' }),
    ];
    const config = { rules, default: named('default', { limit: 10 }) };
    expect(applying(config, { path: '/wide/..;/login' })).toEqual(['wide', 'login', 'all']);
    expect(applying({ ...config, apply: 'most-specific' }, { path: '/wide/..;/login' })).toEqual([
      'wide',
      'login',
      'all',
    ]);
    const enforced = { ...config, rules: rules.slice(0, 2) };
    expect(applying(enforced, { path: '/wide/..;/else' })).toEqual(['wide', 'default']);
    expect(applying(enforced, { path: '/else/..;/wide/x' })).toEqual(['wide', 'default']);
    expect(applying(enforced, { path: '/wide/x;y' })).toEqual(['wide']);
  });

  it('are none where a path is let off in each way in which it can be read', () => {
    const bypass = { ips: [], consumers: [], roles: [], paths: ['/health/*'], header: {} };
    const config = { rules: [named('all')], bypass };
    for (const path of ['/health', '/health/x;y', '/health/a%2Fb']) expect(applying(config, { path })).toEqual([]);
    for (const path of ['/health/..;/login', '/login/..;/health', '/health%2Fx']) {
      expect(applying(config, { path })).toEqual(['all']);
    }
  });

  it('may be for consumers, roles, plans and headers, all of which must fit', () => {
    const match = {
      consumer: ['acme', 'globex'],
      roles: ['batch', 'ops'],
      plan: ['gold'],
      header: {
        'x-tier': { kind: 'exact' as const, value: 'one' },
        'x-any': { kind: 'present' as const, value: true as const },
      },
    };
    const config = { rules: [named('narrow', { match })] };
    const headers = { 'x-tier': 'one', 'x-any': '' };
    const principal = { consumer: 'acme', roles: ['ops'], plan: 'gold' };
    expect(applying(config, { principal, headers })).toEqual(['narrow']);
    expect(applying(config, { principal: { ...principal, consumer: 'hooli' }, headers })).toEqual([]);
    expect(applying(config, { principal: { ...principal, roles: ['user'] }, headers })).toEqual([]);
    expect(applying(config, { principal: { ...principal, plan: null }, headers })).toEqual([]);
    expect(applying(config, { principal, headers: { 'x-tier': 'two', 'x-any': '' } })).toEqual([]);
    expect(applying(config, { principal, headers: { 'x-tier': 'one' } })).toEqual([]);
    expect(applying(config, { headers })).toEqual([]);
  });

  it('match a header by regular expression', () => {
    const match = {
      consumer: [],
      roles: [],
      plan: [],
      header: { 'user-agent': { kind: 'regex' as const, value: '^curl/' } },
    };
    const config = { rules: [named('curl', { match })] };
    expect(applying(config, { headers: { 'user-agent': 'curl/8' } })).toEqual(['curl']);
    expect(applying(config, { headers: { 'user-agent': 'not curl/8' } })).toEqual([]);
  });
});

describe('the index of paths', () => {
  it('finds what a walk over all patterns finds', () => {
    const segment = fc.constantFrom('a', 'b', 'ab', 'c.d');
    const path = fc.tuple(fc.array(segment, { maxLength: 4 }), fc.boolean()).map(([segments, slash]) => {
      return `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`;
    });
    const pattern = fc.oneof(
      path,
      path.map((each) => (each.endsWith('/') ? `${each}*` : `${each}/*`)),
    );
    const plain = (each: string): string => (each.length > 1 && each.endsWith('/') ? each.slice(0, -1) : each);
    const fits = (wanted: string, asked: string): boolean => {
      if (!wanted.endsWith('/*')) return plain(wanted) === plain(asked);
      const below = wanted.slice(0, -2);
      return plain(asked) === below || `${plain(asked)}/`.startsWith(`${below}/`);
    };
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 12 }), path, (patterns, asked) => {
        const found: string[] = [];
        new PathIndex(patterns.map((each) => [each, each] as const)).forEach(asked, (each) => found.push(each));
        expect(found.sort()).toEqual(patterns.filter((each) => fits(each, asked)).sort());
      }),
    );
  });
});

describe('what a rule counts by', () => {
  const principal = {
    consumer: 'acme',
    credential: 'key-7',
    user: 'ada@example.com',
    claims: { tenant: 'blue', tags: ['a', 'b'] },
  };
  const headers = { 'x-tenant': 'green', cookie: 'a=1; session=s3cret; b=2', authorization: 'Bearer abc' };

  it.each([
    [[{ kind: 'auto' }], 'consumer=acme'],
    [[{ kind: 'ip' }], 'ip=192.0.2.1'],
    [[{ kind: 'consumer' }], 'consumer=acme'],
    [[{ kind: 'api-key' }], 'api-key=key-7'],
    [[{ kind: 'user' }], 'user=ada@example.com'],
    [[{ kind: 'route' }], 'route=users'],
    [[{ kind: 'header', name: 'x-tenant' }], 'header:x-tenant=green'],
    [[{ kind: 'claim', name: 'tenant' }], 'claim:tenant=blue'],
    [[{ kind: 'ip' }, { kind: 'header', name: 'x-tenant' }], 'ip=192.0.2.1,header:x-tenant=green'],
    [[{ kind: 'route' }, { kind: 'consumer' }], 'route=users,consumer=acme'],
  ] as const)('%j is %s', (parts, expected) => {
    expect(keyOf(parts, exchangeOf({ principal, headers, route: 'users' }))).toBe(expected);
  });

  it('is the address where a request lacks it', () => {
    const kinds = ['auto', 'consumer', 'api-key', 'user'] as const;
    const named = ['header', 'cookie', 'claim'] as const;
    const parts = [...kinds.map((kind) => ({ kind })), ...named.map((kind) => ({ kind, name: 'x' }))];
    for (const part of parts) expect(keyOf([part], exchangeOf())).toBe('ip=192.0.2.1');
    expect(keyOf([{ kind: 'ip' }, { kind: 'header', name: 'x-tenant' }], exchangeOf())).toBe('ip=192.0.2.1');
  });

  it('never shows a secret, and never takes a name from the prototype', () => {
    const exchange = exchangeOf({ headers, principal });
    expect(keyOf([{ kind: 'cookie', name: 'session' }], exchange)).toMatch(/^cookie:session=sha256-[\w-]{22}$/);
    expect(keyOf([{ kind: 'header', name: 'authorization' }], exchange)).toMatch(/^header:authorization=sha256-/);
    expect(keyOf([{ kind: 'claim', name: 'constructor' }], exchange)).toBe('ip=192.0.2.1');
    expect(keyOf([{ kind: 'header', name: 'constructor' }], exchange)).toBe('ip=192.0.2.1');
  });

  it('stays short and harmless, and different values stay different', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const parts = [{ kind: 'header', name: 'x' }] as const;
        const [one, two] = [a, b].map((x) => keyOf(parts, exchangeOf({ headers: { x } })));
        expect(one).toMatch(/^header:x=[A-Za-z0-9._:@/+|~-]{1,64}$/);
        expect(one === two).toBe(a === b);
      }),
    );
  });
});

describe('the network of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
  ])('%s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('what a request costs', () => {
  const header = { kind: 'header', name: 'x-cost' } as const;

  it.each([
    ['7', 7],
    ['2.2', 3],
    [' 5 ', 5],
    ['0', 1],
    ['-4', 1],
    ['1e9', 1],
    ['99999999999', 1_000_000],
    ['NaN', 1],
    ['', 1],
    [undefined, 1],
  ])('is, with the header saying %j, %d', (value, cost) => {
    expect(costBefore(header, value === undefined ? {} : { 'x-cost': value })).toBe(cost);
  });

  it('is what the answer says, in any case of letters, and 1 when it says nothing', () => {
    expect(costAfter('x-used', ['Content-Type', 'text/plain', 'X-Used', '40'])).toBe(40);
    expect(costAfter('x-used', ['X-Used', '0'])).toBe(0);
    expect(costAfter('x-used', ['Content-Type', 'text/plain'])).toBe(1);
  });

  it('needs room for one, and takes nothing before, when only the answer tells it', () => {
    const rule = limitRule({ cost: { kind: 'response-header', name: 'x-used' } });
    const [check] = new RuleSet(rateLimiting({ default: rule }), []).checksFor(exchangeOf());
    expect([check?.need, check?.take]).toEqual([1, 0]);
  });
});

describe('a bypass', () => {
  const lists = rateLimiting({
    bypass: {
      ips: ['10.0.0.0/8', '2001:db8::/32'],
      consumers: ['monitor'],
      roles: ['staff'],
      paths: ['/health', '/static/*'],
      header: { 'x-skip': { kind: 'exact', value: 's3cret' }, 'x-from': { kind: 'present', value: true } },
    },
  }).bypass;

  it.each<[string, Fields, boolean]>([
    ['an address of the list', { clientIp: '10.1.2.3' }, true],
    ['an IPv6 address of the list', { clientIp: '2001:db8::7' }, true],
    ['a consumer of the list', { principal: { consumer: 'monitor' } }, true],
    ['a role of the list', { principal: { consumer: 'x', roles: ['staff'] } }, true],
    ['a path of the list', { path: '/health' }, true],
    ['a path below one', { path: '/static/a/b.css' }, true],
    ['all headers', { headers: { 'x-skip': 's3cret', 'x-from': 'here' } }, true],
    ['one of two headers', { headers: { 'x-skip': 's3cret' } }, false],
    ['nothing', { principal: { consumer: 'x', roles: ['user'] } }, false],
    ['a path beside one', { path: '/healthy' }, false],
  ])('for %s', (_, request, covered) => {
    const bypass = new Bypass(lists);
    expect(bypass.covers(exchangeOf(request))).toBe(covered);
    expect(bypass.covers(exchangeOf(request))).toBe(covered);
    const set = new RuleSet(rateLimiting({ default: limitRule(), bypass: lists }), []);
    expect(set.checksFor(exchangeOf(request))).toHaveLength(covered ? 0 : 1);
  });

  it('remembers what it said of an address, of ten thousand at most', () => {
    const bypass = new Bypass(lists);
    for (let index = 0; index < 25_000; index++) {
      const outside = `192.${index >>> 16}.${(index >>> 8) & 255}.${index & 255}`;
      expect(bypass.covers(exchangeOf({ clientIp: outside }))).toBe(false);
    }
    expect(bypass.covers(exchangeOf({ clientIp: '10.0.0.1' }))).toBe(true);
  });
});

describe('with apply: most-specific', () => {
  const apply = 'most-specific' as const;

  it.each([
    ['one path before all below it', [named('below', { path: '/a/*' }), named('one', { path: '/a/b' })], 'one'],
    ['the longer path', [named('short', { path: '/*' }), named('long', { path: '/a/*' })], 'long'],
    [
      'the path before the caller',
      [
        named('acme', { match: { consumer: ['acme'], roles: [], plan: [], header: {} } }),
        named('path', { path: '/a/*' }),
      ],
      'path',
    ],
    [
      'who is named before who has a role or a plan',
      [
        named('plan', { match: { consumer: [], roles: ['user'], plan: ['gold'], header: {} } }),
        named('acme', { match: { consumer: ['acme'], roles: [], plan: [], header: {} } }),
      ],
      'acme',
    ],
    ['methods before none', [named('any'), named('gets', { methods: ['GET'] })], 'gets'],
    ['the first of equals', [named('first'), named('second')], 'first'],
  ])('applies %s', (_, rules, expected) => {
    const principal = { consumer: 'acme', roles: ['user'], plan: 'gold' };
    expect(applying({ rules, apply }, { path: '/a/b', principal })).toEqual([expected]);
  });

  it('applies the rule of the route before all others, and counts those in shadow beside it', () => {
    const rules = [named('narrow', { path: '/a/b', methods: ['GET'] }), named('watched', { mode: 'shadow' })];
    const routes = [{ name: 'own', rateLimit: [named('own')] }];
    expect(applying({ rules, apply }, { path: '/a/b', route: 'own' }, routes)).toEqual(['watched', 'own']);
  });

  it('chooses one of those that all would apply, whatever the order of the file', () => {
    const rule = fc.record({
      path: fc.constantFrom('/*', '/a', '/a/*', '/a/b', '/a/b/*', '/a/b/', '/c/*'),
      methods: fc.constantFrom<string[]>([], ['GET'], ['GET', 'POST']),
      consumer: fc.constantFrom<string[]>([], ['acme']),
      roles: fc.constantFrom<string[]>([], ['user']),
      mode: fc.constantFrom('enforce' as const, 'enforce' as const, 'shadow' as const),
    });
    const request = fc.record({
      path: fc.constantFrom('/a', '/a/b', '/a/b/c', '/c', '/'),
      method: fc.constantFrom('GET', 'POST', 'PUT'),
      principal: fc.constantFrom(undefined, { consumer: 'acme', roles: ['user'] }, { consumer: 'bolt' }),
    });
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 6 }).chain((rules) =>
          fc.tuple(
            fc.constant(rules),
            fc.shuffledSubarray(
              rules.map((_, index) => index),
              { minLength: rules.length },
            ),
          ),
        ),
        request,
        ([declared, order], { principal, ...rest }) => {
          const rules = declared.map(({ consumer, roles, ...rule }, index) =>
            named(`rule-${index}`, { ...rule, match: { consumer, roles, plan: [], header: {} } }),
          );
          const asked = { ...rest, ...(principal && { principal }) };
          const modeOf = (name: string): string => declared[Number(name.slice(5))]!.mode;
          const all = applying({ rules }, asked);
          const one = applying({ rules, apply }, asked);
          const enforced = one.filter((name) => modeOf(name) === 'enforce');
          expect(one.every((name) => all.includes(name))).toBe(true);
          expect(enforced).toHaveLength(all.some((name) => modeOf(name) === 'enforce') ? 1 : 0);
          expect(one.filter((name) => modeOf(name) === 'shadow')).toEqual(
            all.filter((name) => modeOf(name) === 'shadow'),
          );
          const again = applying({ rules: order.map((at) => rules[at]!), apply }, asked);
          const scopeOf = (name: string | undefined): unknown => {
            if (name === undefined) return undefined;
            const { path, methods, ...callers } = declared[Number(name.slice(5))]!;
            return { ...callers, path: path.replace(/b\/$/, 'b'), methods: methods.length > 0 };
          };
          // Only among equals does the order of the file decide.
          const chosen = again.find((name) => modeOf(name) === 'enforce');
          expect(scopeOf(chosen)).toEqual(scopeOf(enforced[0]));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a limit of a consumer of its own', () => {
  const own = { limit: 1000, window: null, burst: null };
  const consumers = [{ name: 'acme', limits: { critical: own, hourly: { ...own, window: 3_600_000 } } }];
  const checksOf = (rule: RateLimitRule, consumer: string | null) =>
    new RuleSet(rateLimiting({ rules: [rule] }), [], consumers).checksFor(
      exchangeOf(consumer === null ? {} : { principal: { consumer } }),
    );

  it('is in place of what the rule says for all', () => {
    const critical = named('critical', { limit: 10, key: [{ kind: 'consumer' }] });
    expect(checksOf(critical, 'acme')).toMatchObject([
      { key: 'consumer=acme', rule: { name: 'critical', limit: { limit: 1000, capacity: 1000 } } },
    ]);
    expect(checksOf(critical, 'acme')[0]?.rule.policy).toBe('"critical";q=1000;w=60');
    expect(checksOf(critical, 'bolt')).toMatchObject([{ rule: { limit: { limit: 10 } } }]);
    expect(checksOf(critical, null)).toMatchObject([{ rule: { limit: { limit: 10 } } }]);
  });

  it('is counted for the consumer alone, also where the rule counts by something else', () => {
    const critical = named('critical', { limit: 10, key: [{ kind: 'ip' }] });
    expect(checksOf(critical, 'acme')[0]?.key).toBe('consumer=acme,ip=192.0.2.1');
    expect(checksOf(critical, 'bolt')[0]?.key).toBe('ip=192.0.2.1');
  });

  it('is remembered for its own window, not for that of the rule', () => {
    const hourly = named('hourly', { algorithm: 'fixed-window', limit: 10, key: [{ kind: 'consumer' }] });
    const rules = new RuleSet(rateLimiting({ rules: [hourly] }), [], consumers);
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    const ask = (consumer: string): number => {
      const checks = rules.checksFor(exchangeOf({ principal: { consumer } }));
      store.check(checks);
      return checks[0]!.remaining;
    };
    expect(ask('acme')).toBe(999);
    for (let minute = 0; minute < 50; minute++) {
      clock.advance(60_000);
      expect(ask('bolt')).toBe(9);
    }
    expect(ask('acme')).toBe(998);
  });
});

describe('what is told of the rules for a request', () => {
  const rules = [
    named('all', { limit: 5, window: 60_000 }),
    named('posts', { path: '/a/*', methods: ['POST'] }),
    named('gold', { path: '/a/b', match: { consumer: [], roles: [], plan: ['gold'], header: {} }, mode: 'shadow' }),
    named('else', { path: '/c' }),
  ];
  const explain = (config: Partial<RateLimitingConfig>, path: string) =>
    new RuleSet(rateLimiting(config), []).explain({ method: 'GET', path, route: 'r', headers: {} });

  it('is for each that is for its path whether it applies, and why', () => {
    expect(explain({ rules, default: named('default') }, '/a/b')).toEqual([
      { rule: 'all', limit: 5, window: '1m', mode: 'enforce', applies: 'yes', reason: 'it matches' },
      expect.objectContaining({ rule: 'posts', applies: 'no', reason: 'it is for POST' }),
      expect.objectContaining({ rule: 'gold', mode: 'shadow', applies: 'depends', reason: 'it is for plan gold' }),
    ]);
  });

  it('is the default where none applies, or may', () => {
    const config = { rules: rules.slice(1), default: named('default', { period: 'month', algorithm: 'fixed-window' }) };
    const last = (path: string) => explain(config, path).at(-1);
    expect(last('/x')).toMatchObject({ rule: 'default', applies: 'yes', window: 'calendar month' });
    expect(last('/a/b')).toMatchObject({ rule: 'default', applies: 'depends' });
    expect(last('/c')).toMatchObject({ rule: 'else', applies: 'yes' });
  });

  it('agrees with what is asked for a request without a caller', () => {
    const paths = fc.constantFrom('/a', '/a/b', '/c', '/x', '/a;x', '/c/..;/x', '/x/..;/a/b', '/a%2Fb');
    fc.assert(
      fc.property(paths, fc.constantFrom('GET', 'POST'), fc.boolean(), (path, method, withDefault) => {
        const config = { rules, default: withDefault ? named('default') : null };
        const told = new RuleSet(rateLimiting(config), []).explain({ method, path, route: 'r', headers: {} });
        expect(told.filter(({ applies }) => applies === 'yes').map(({ rule }) => rule)).toEqual(
          applying(config, { path, method }),
        );
      }),
    );
  });
});
