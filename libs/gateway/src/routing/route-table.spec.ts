import { describe, expect, it } from '@jest/globals';
import { checkRoute } from './compiled-route.js';
import { type RoutableRoute, type RoutePath } from './routable-route.js';
import { RouteTable } from './route-table.js';

type Fields = Partial<Omit<RoutableRoute, 'path'>>;

function pathOf(written: string): RoutePath {
  const [, kind = 'prefix', value = ''] = /^(?:(exact|pattern|regex) )?(.*)$/.exec(written) ?? [];
  return { kind: kind as RoutePath['kind'], value };
}

/** `path` is `kind value`, or the value of a prefix. */
function route(name: string, path: string, fields: Fields = {}): RoutableRoute {
  return { name, hosts: [], path: pathOf(path), methods: [], headers: {}, query: {}, priority: 0, ...fields };
}

interface Asked {
  readonly host?: string;
  readonly headers?: Record<string, string | string[]>;
}

/** The name of the route that wins, `405 GET, …` or `404`. */
function ask(
  routes: readonly RoutableRoute[],
  line: string,
  { host = 'example.com', headers = {} }: Asked = {},
): string {
  const [method = '', target = ''] = line.split(' ');
  const [path = '', ...query] = target.split(/(?=\?)/);
  const result = new RouteTable(routes).match(method, host, path, { headers }, query.join(''));
  if (result.kind === 'route') return result.route.name;
  return result.kind === 'not_found' ? '404' : `405 ${result.allow.join(', ')}`;
}

describe('a path', () => {
  it.each([
    ['a prefix takes the path itself', '/api', '/api', true],
    ['a prefix takes everything below it', '/api', '/api/users/1', true],
    ['a prefix takes the path with a slash', '/api', '/api/', true],
    ['a prefix goes by segment', '/api', '/apix', false],
    ['a prefix does not take its parent', '/api/users', '/api', false],
    ['the trailing slash of a prefix is ignored', '/api/', '/api', true],
    ['the prefix / takes every path', '/', '/a/b', true],
    ['the prefix / takes the root', '/', '/', true],
    ['paths are case-sensitive', '/api', '/API', false],
    ['a colon in a prefix is an ordinary character', '/a/:b', '/a/c', false],
    ['an exact path takes itself', 'exact /login', '/login', true],
    ['an exact path takes no slash more', 'exact /login', '/login/', false],
    ['an exact path takes nothing below it', 'exact /login', '/login/x', false],
    ['an exact path with a slash takes it', 'exact /login/', '/login/', true],
    ['an exact path with a slash needs it', 'exact /login/', '/login', false],
    ['a star in an exact path is an ordinary character', 'exact /a/*', '/a/b', false],
    ['a parameter takes one segment', 'pattern /orders/:id', '/orders/7', true],
    ['a parameter takes no empty segment', 'pattern /orders/:id', '/orders/', false],
    ['a parameter takes no empty segment in the middle', 'pattern /orders/:id/items', '/orders//items', false],
    ['a parameter takes no second segment', 'pattern /orders/:id', '/orders/7/items', false],
    ['a pattern is the whole path', 'pattern /orders/:id/items', '/orders/7/items/1', false],
    ['a pattern goes on after a parameter', 'pattern /orders/:id/items', '/orders/7/items', true],
    ['a pattern needs its trailing slash', 'pattern /orders/:id/', '/orders/7', false],
    ['a pattern takes its trailing slash', 'pattern /orders/:id/', '/orders/7/', true],
    ['a parameter takes an encoded slash', 'pattern /files/:name', '/files/a%2Fb', true],
    ['two parameters may follow each other', 'pattern /:a/:b', '/x/y', true],
    ['a colon inside a segment is an ordinary character', 'pattern /jobs/all:stop', '/jobs/all:stop', true],
    ['a star takes everything below', 'pattern /files/*', '/files/a/b', true],
    ['a star takes the slash alone', 'pattern /files/*', '/files/', true],
    ['a star does not take the path without the slash', 'pattern /files/*', '/files', false],
    ['a star may follow a parameter', 'pattern /:tenant/files/*', '/acme/files/x', true],
    ['a star alone takes every path', 'pattern /*', '/', true],
    ['an expression matches where it says', 'regex ^/v[0-9]+/', '/v2/users', true],
    ['an expression that is not anchored may match anywhere', 'regex [0-9]{3}', '/a/b/123/c', true],
    ['an expression is case-sensitive', 'regex ^/v[0-9]+/', '/V2/users', false],
    ['an expression with alternatives is tried for each', 'regex ^/a|b$', '/x/b', true],
    ['an expression with an optional last letter is tried without it', 'regex ^/ab?$', '/a', true],
    ['letters outside ASCII are written as they are', '/caf\u00e9', '/caf%C3%A9/menu', true],
    ['encodings are written in any way', 'exact /%7euser/%c3%a9', '/~user/%C3%A9', true],
  ])('%s', (_, path, asked, taken) => {
    expect(ask([route('it', path)], `GET ${asked}`)).toBe(taken ? 'it' : '404');
  });
});

describe('parameters', () => {
  function match(path: string, asked: string) {
    const result = new RouteTable([route('it', path)]).match('GET', '', asked, { headers: {} }, '');
    if (result.kind !== 'route') throw new Error(result.kind);
    return result;
  }

  it('are handed out decoded, and as they stand in the path', () => {
    const { params, rawParams } = match('pattern /users/:id/files/:name', '/users/a%20b,c/files/x%2Fy%252e');
    expect(params).toEqual({ id: 'a b,c', name: 'x/y%2e' });
    expect(rawParams).toEqual({ id: 'a%20b,c', name: 'x%2Fy%252e' });
  });

  it('are found at both ends and before a star', () => {
    expect(match('pattern /:a/x/:b/*', '/1/x/2/3/4').params).toEqual({ a: '1', b: '2' });
  });

  it('have their own names in each route that shares the place', () => {
    const table = new RouteTable([route('one', 'pattern /a/:x'), route('two', 'pattern /a/:y/b')]);
    expect(table.match('GET', '', '/a/1', { headers: {} }, '')).toMatchObject({ rawParams: { x: '1' } });
    expect(table.match('GET', '', '/a/1/b', { headers: {} }, '')).toMatchObject({ rawParams: { y: '1' } });
  });

  it('cost nothing where there are none: the result is the same object each time', () => {
    const table = new RouteTable([route('it', '/a')]);
    const first = table.match('GET', '', '/a', { headers: {} }, '');
    expect(table.match('GET', '', '/a/b', { headers: {} }, '')).toBe(first);
    expect(first).toMatchObject({ params: {}, rawParams: {} });
  });
});

describe('a host', () => {
  it.each([
    ['is compared without case', 'api.example.com', 'API.Example.com', true],
    ['is compared without the port', 'api.example.com', 'api.example.com:8080', true],
    ['is compared without a trailing dot', 'api.example.com', 'api.example.com.', true],
    ['is compared without both', 'api.example.com', 'api.example.com.:80', true],
    ['is not compared by its end', 'example.com', 'api.example.com', false],
    ['may be an address', '127.0.0.1', '127.0.0.1:8080', true],
    ['may be an IPv6 address', '[::1]', '[::1]:8080', true],
    ['may be written in any script', 'B\u00fccher.example', 'xn--bcher-kva.example', true],
    ['may be missing, which no named host takes', 'api.example.com', '', false],
    ['as a wildcard takes a name below it', '*.example.com', 'api.example.com', true],
    ['as a wildcard takes a name at any depth', '*.example.com', 'a.b.c.example.com:80', true],
    ['as a wildcard does not take the name itself', '*.example.com', 'example.com', false],
    ['as a wildcard needs something before the dot', '*.example.com', '.example.com', false],
    ['as a wildcard goes by label', '*.example.com', 'notexample.com', false],
  ])('%s', (_, written, host, taken) => {
    expect(ask([route('it', '/', { hosts: [written] })], 'GET /', { host })).toBe(taken ? 'it' : '404');
  });

  it('with many dots costs no look-ups', () => {
    const table = new RouteTable([route('it', '/', { hosts: ['*.example.com'] })]);
    expect(table.match('GET', `${'a.'.repeat(50_000)}example.com`, '/', { headers: {} }, '').kind).toBe('route');
  });
});

describe('headers and query', () => {
  const present = { kind: 'present' } as const;

  it.each([
    ['an exact value matches', { version: { kind: 'exact', value: 'two' } }, { version: 'two' }, true],
    ['a value is case-sensitive', { version: { kind: 'exact', value: 'two' } }, { version: 'Two' }, false],
    ['a missing field does not match', { version: { kind: 'exact', value: '' } }, {}, false],
    ['a name is not case-sensitive', { 'X-Version': { kind: 'exact', value: '2' } }, { 'x-version': '2' }, true],
    ['an expression matches anywhere', { version: { kind: 'regex', value: 'w' } }, { version: 'two' }, true],
    ['an expression may fail', { version: { kind: 'regex', value: '^w' } }, { version: 'two' }, false],
    ['presence is enough where it is asked for', { version: { kind: 'present' } }, { version: '' }, true],
    ['absence is not presence', { version: { kind: 'present' } }, {}, false],
    ['what every object has is not a field', { constructor: { kind: 'present' } }, {}, false],
    ['several fields count as one, joined by commas', { a: { kind: 'exact', value: '1, 2' } }, { a: ['1', '2'] }, true],
    ['all must match', { a: { kind: 'present' }, b: { kind: 'present' } }, { a: '1' }, false],
  ] as const)('%s', (_, headers, sent, taken) => {
    const asked = { headers: sent as unknown as Record<string, string> };
    expect(ask([route('it', '/', { headers })], 'GET /', asked)).toBe(taken ? 'it' : '404');
  });

  it.each([
    ['an exact value matches', { beta: { kind: 'exact', value: '1' } }, '?beta=1', true],
    ['no query does not match', { beta: { kind: 'exact', value: '1' } }, '', false],
    ['it is found between others', { beta: { kind: 'exact', value: '1' } }, '?a=2&beta=1&c', true],
    ['a name is not its beginning', { beta: { kind: 'present' } }, '?beta2=1&xbeta', false],
    ['a name is case-sensitive', { beta: { kind: 'present' } }, '?Beta', false],
    ['a value may be empty', { beta: { kind: 'exact', value: '' } }, '?beta', true],
    ['the first of several counts', { beta: { kind: 'exact', value: '2' } }, '?beta=1&beta=2', false],
    ['names and values are decoded', { 'be ta': { kind: 'exact', value: '\u00e9 x' } }, '?be%20ta=%C3%A9+x', true],
    ['a name may have odd characters', { 'a=b': { kind: 'present' } }, '?a=b&c', false],
    ['a second question mark belongs to the name', { '?a': { kind: 'present' } }, '??a', true],
    ['an expression matches', { beta: { kind: 'regex', value: '^[0-9]+$' } }, '?beta=17', true],
    ['all must match', { a: { kind: 'present' }, b: { kind: 'present' } }, '?b', false],
  ] as const)('in the query %s', (_, query, sent, taken) => {
    expect(ask([route('it', '/', { query })], `GET /${sent}`)).toBe(taken ? 'it' : '404');
  });

  it('find one of many routes that differ in one value alone', () => {
    const named = Array.from({ length: 50 }, (_, i) => {
      const fields: Fields = { headers: { tenant: { kind: 'exact', value: `t${i}` } }, methods: ['GET'] };
      return route(`r${i}`, '/a', fields);
    });
    const routes = [route('some', '/a', { headers: { tenant: present }, methods: ['GET'] }), ...named];
    const asked = (tenant: string): Asked => ({ headers: { tenant } });
    expect(ask(routes, 'GET /a', asked('t17'))).toBe('some');
    expect(ask(routes.reverse(), 'GET /a', asked('t17'))).toBe('r17');
    expect(ask(routes, 'GET /a', asked('other'))).toBe('some');
    expect(ask(routes, 'GET /a')).toBe('404');
    expect(ask(named, 'PUT /a', asked('t17'))).toBe('405 GET');
    expect(ask(named, 'PUT /a', asked('other'))).toBe('404');
  });

  it('are not looked at while no route that could win asks for them', () => {
    const table = new RouteTable([
      route('other', '/b', { headers: { a: { kind: 'present' } } }),
      route('wider', '/', { headers: { a: { kind: 'present' } } }),
      route('it', '/a'),
    ]);
    const source = {
      get headers(): never {
        throw new Error('looked at');
      },
    };
    expect(table.match('GET', '', '/a', source, '')).toMatchObject({ route: { name: 'it' } });
  });
});

describe('a method', () => {
  const get = route('get', '/a', { methods: ['GET'] });

  it('that is not listed is 405 with what is', () => {
    expect(ask([get], 'POST /a')).toBe('405 GET');
  });

  it('HEAD is not implied by GET', () => {
    expect(ask([get], 'HEAD /a')).toBe('405 GET');
  });

  it('goes to a wider route that takes it', () => {
    expect(ask([get, route('wide', '/')], 'POST /a')).toBe('wide');
  });

  it('goes to a route for any host that takes it', () => {
    const named = route('named', '/a', { hosts: ['example.com'], methods: ['GET'] });
    expect(ask([named, route('any', '/')], 'POST /a')).toBe('any');
  });

  it('that nobody takes is 405 with the methods of all that match in everything else', () => {
    const routes = [
      get,
      route('wide', '/', { methods: ['PUT', 'GET'] }),
      route('any depth', 'regex a', { methods: ['PATCH'] }),
      route('host', '/', { hosts: ['*.com'], methods: ['DELETE'] }),
      route('other host', '/a', { hosts: ['example.org'], methods: ['LINK'] }),
      route('other path', '/b', { methods: ['UNLINK'] }),
      route('other header', '/a', { headers: { x: { kind: 'present' } }, methods: ['COPY'] }),
      route('other query', '/a', { query: { x: { kind: 'present' } }, methods: ['MOVE'] }),
    ];
    expect(ask(routes, 'POST /a')).toBe('405 DELETE, GET, PATCH, PUT');
  });

  it('is not the reason where a header is missing as well', () => {
    expect(ask([route('it', '/a', { methods: ['GET'], headers: { x: { kind: 'present' } } })], 'POST /a')).toBe('404');
  });
});

describe('of two routes that match', () => {
  const present = { kind: 'present' } as const;
  const sent = { headers: { x: '1', y: '1' } };

  it.each([
    [
      'the exact host goes before a wildcard',
      ['exact', '/', { hosts: ['example.com'] }],
      ['wild', '/', { hosts: ['*.com'] }],
    ],
    [
      'the exact host goes before a wildcard with a higher priority and a longer path',
      ['exact', '/', { hosts: ['example.com'] }],
      ['wild', 'exact /a/b', { hosts: ['*.com'], priority: 9 }],
    ],
    ['a wildcard goes before any host', ['wild', '/', { hosts: ['*.com'] }], ['any', 'exact /a/b', { priority: 9 }]],
    [
      'the host that fits best counts of several',
      ['both', '/', { hosts: ['*.com', 'example.com'] }],
      ['wild', '/a', { hosts: ['*.com'], priority: 9 }],
    ],
    ['the higher priority goes before the better path', ['high', '/', { priority: 1 }], ['exact', 'exact /a/b', {}]],
    ['a priority below zero goes last', ['zero', '/', {}], ['low', 'exact /a/b', { priority: -1 }]],
    ['an exact path goes first', ['exact', 'exact /a/b', {}], ['pattern', 'pattern /a/b', { methods: ['GET'] }]],
    ['the longer prefix goes first', ['long', '/a/b', {}], ['short', '/a', { methods: ['GET'] }]],
    ['the longer literal part goes before a parameter', ['prefix', '/a/b', {}], ['param', 'pattern /a/:x', {}]],
    ['a pattern spells out more than the prefix above it', ['param', 'pattern /a/:x', {}], ['prefix', '/a', {}]],
    ['literals count on both sides of a parameter', ['sides', 'pattern /:x/b', {}], ['prefix', '/a', {}]],
    ['a parameter goes before a star', ['param', 'pattern /a/:x', {}], ['star', 'pattern /a/*', { methods: ['GET'] }]],
    ['a parameter goes before the prefix /', ['param', 'pattern /:x/:y', {}], ['root', '/', { methods: ['GET'] }]],
    [
      'a star goes before a regular expression',
      ['star', 'pattern /*', {}],
      ['regex', 'regex ^/a/b$', { methods: ['GET'] }],
    ],
    [
      'the prefix / goes before a regular expression',
      ['root', '/', {}],
      ['regex', 'regex ^/a/b$', { methods: ['GET'] }],
    ],
    [
      'a named method goes before all',
      ['named', '/a', { methods: ['GET'] }],
      ['all', '/a', { headers: { x: present } }],
    ],
    [
      'more headers go first',
      ['two', '/a', { headers: { x: present, y: present } }],
      ['one', '/a', { headers: { x: present }, query: { q: present, r: present } }],
    ],
    [
      'more query parameters go first',
      ['two', '/a', { query: { q: present, r: present } }],
      ['one', '/a', { query: { q: present } }],
    ],
    ['the trailing slash of a prefix does not make it longer', ['first', '/a', {}], ['second', '/a/', {}]],
    ['the order in the file decides last', ['first', '/a', {}], ['second', '/a', {}]],
  ] as [string, [string, string, Fields], [string, string, Fields]][])('%s', (name, first, second) => {
    const [a, b] = [route(...first), route(...second)];
    expect(ask([a, b], 'GET /a/b?q&r', sent)).toBe(a.name);
    if (!/file|slash/.test(name)) expect(ask([b, a], 'GET /a/b?q&r', sent)).toBe(a.name);
  });

  it('the longer wildcard goes first', () => {
    const routes = [route('short', '/a', { hosts: ['*.com'] }), route('long', '/', { hosts: ['*.example.com'] })];
    expect(ask(routes, 'GET /a', { host: 'x.y.example.com' })).toBe('long');
    expect(ask(routes, 'GET /a', { host: 'example.com' })).toBe('short');
  });

  it('the second takes what the first does not, down to the routes for any host', () => {
    const routes = [
      route('host', '/a/b', { hosts: ['example.com'] }),
      route('wild', '/a', { hosts: ['*.com'] }),
      route('any', '/'),
    ];
    expect(['/a/b', '/a/c', '/c'].map((path) => ask(routes, `GET ${path}`))).toEqual(['host', 'wild', 'any']);
  });

  it('a parameter is tried where the literal leads nowhere', () => {
    const routes = [route('literal', 'exact /a/b/c'), route('param', 'pattern /a/:x/d')];
    expect(ask(routes, 'GET /a/b/d')).toBe('param');
  });

  it('literals that share their beginning are told apart', () => {
    const routes = ['/user', '/users', '/us', '/u/x', '/usage'].map((path) => route(path, path));
    expect(['/users/1', '/user/1', '/us', '/u', '/usage', '/usages'].map((path) => ask(routes, `GET ${path}`))).toEqual(
      [...['/users', '/user', '/us', '404', '/usage', '404']],
    );
  });
});

describe('a route is checked', () => {
  it.each([
    ['api', 'a path starts with "/"'],
    ['/a?b', 'a path has no query'],
    ['/a//b', 'slashes are merged'],
    ['/a/../b', 'removed before routing'],
    ['/a/%2e', 'removed before routing'],
    ['/a#b', 'write %23'],
    ['/a%zz', 'malformed encoding'],
    ['/\ud800', 'not valid Unicode'],
    ['pattern /a/:', 'is not a parameter'],
    ['pattern /a/:x.json', 'is not a parameter'],
    ['pattern /a/:__proto__', 'is not a parameter'],
    ['pattern /:x/:x', 'stands there twice'],
    ['pattern /a/*/b', 'can only be the last segment'],
    ['pattern /a/b*', 'can only be the last segment'],
    ['regex ^/(', 'does not compile'],
  ])('the path %s is refused', (path, message) => {
    expect(checkRoute(route('it', path))).toEqual([{ path: 'path', message: expect.stringContaining(message) }]);
    expect(() => new RouteTable([route('it', path)])).toThrow(message);
  });

  it.each([
    ['*', 'leave "hosts" empty'],
    ['a.*.com', 'a wildcard is "*." and a name'],
    ['*.*.com', 'a wildcard is "*." and a name'],
    ['example.com:80', 'without scheme, port and path'],
    ['http://example.com', 'without scheme, port and path'],
    ['', 'a host is a name such as'],
    ['*.', 'a host is a name such as'],
  ])('the host "%s" is refused', (host, message) => {
    expect(checkRoute(route('it', '/', { hosts: ['ok.example', host] }))).toEqual([
      { path: 'hosts[1]', message: expect.stringContaining(message) },
    ]);
  });

  it('every mistake is named with its key', () => {
    const broken = { x: { kind: 'regex', value: '[' } } as const;
    const mistakes = checkRoute(route('it', 'x', { hosts: ['*'], headers: broken, query: broken }));
    expect(mistakes.map(({ path }) => path)).toEqual(['path', 'hosts[0]', 'headers.x', 'query.x']);
  });

  it('nothing is said of a good one', () => {
    expect(checkRoute(route('it', 'pattern /a/:b', { hosts: ['*.example.com'] }))).toEqual([]);
  });
});
