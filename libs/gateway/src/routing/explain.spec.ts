import { describe, expect, it } from '@jest/globals';
import { explain, type RouteRequest } from './explain.js';
import { type RoutableRoute } from './routable-route.js';
import { RouteTable } from './route-table.js';

function route(name: string, fields: Partial<RoutableRoute> = {}): RoutableRoute {
  const path = { kind: 'prefix', value: '/' } as const;
  return { name, hosts: [], path, methods: [], headers: {}, query: {}, priority: 0, ...fields };
}

function reasons(routes: readonly RoutableRoute[], asked: Partial<RouteRequest> = {}): string[] {
  const request = { method: 'GET', host: 'api.example.com', path: '/api/users', headers: {}, query: '', ...asked };
  return explain(new RouteTable(routes), request).routes.map(({ route: { name }, outcome, reason }) => {
    return `${name} ${outcome}: ${reason}`;
  });
}

/** What is said of a route that loses to the other. */
function shadowed(winner: Partial<RoutableRoute>, loser: Partial<RoutableRoute>): string | undefined {
  return reasons([route('loser', loser), route('winner', winner)], { headers: { a: '1', b: '2' }, query: '?q' })[1];
}

describe('an explanation', () => {
  const present = { kind: 'present' } as const;

  it('says what the winner matched on', () => {
    const fields = { methods: ['GET'], hosts: ['*.example.com'], headers: { a: present }, query: { q: present } };
    const asked = { headers: { a: '' }, query: '?q' };
    expect(reasons([route('plain'), route('full', fields)], asked)).toEqual([
      'full won: wins: host api.example.com, prefix path /, method GET, header a, query q',
      'plain shadowed: matches too, but "full" goes first: it names the host',
    ]);
    expect(reasons([route('plain')])).toEqual(['plain won: wins: any host, prefix path /, any method']);
  });

  it.each([
    ['a host', { hosts: ['example.com'] }, 'host: the host "api.example.com" is not example.com'],
    ['hosts', { hosts: ['a.com', '*.b.com'] }, 'host: the host "api.example.com" is not one of a.com, *.b.com'],
    [
      'a prefix',
      { path: { kind: 'prefix', value: '/apis' } },
      'path: the path /api/users is neither /apis nor below it',
    ],
    ['an exact path', { path: { kind: 'exact', value: '/api' } }, 'path: the path /api/users is not exactly /api'],
    [
      'a pattern',
      { path: { kind: 'pattern', value: '/api/:id/x.y' } },
      'path: the path /api/users is not of the form /api/:id/x.y',
    ],
    ['an expression', { path: { kind: 'regex', value: '^/v1' } }, 'path: the path /api/users is not matched by /^/v1/'],
    ['a method', { methods: ['PUT', 'POST'] }, 'method: the method GET is not one of PUT, POST'],
    ['a missing header', { headers: { 'X-A': present } }, 'header: the header x-a is missing'],
    [
      'another header',
      { headers: { a: { kind: 'exact', value: 'two' } } },
      'header: the header a is "one \\"", not "two"',
    ],
    [
      'a header that an expression refuses',
      { headers: { a: { kind: 'regex', value: '^t' } } },
      'header: the header a is "one \\"", which /^t/ does not match',
    ],
    ['a missing query parameter', { query: { q: present } }, 'query: the query parameter q is missing'],
    [
      'another query parameter',
      { query: { b: { kind: 'exact', value: '1' } } },
      'query: the query parameter b is "2", not "1"',
    ],
  ] as [string, Partial<RoutableRoute>, string][])(
    'names the first thing that does not match: %s',
    (_, fields, said) => {
      expect(reasons([route('it', fields)], { headers: { a: 'one "' }, query: '?b=2' })).toEqual([`it ${said}`]);
    },
  );

  it('goes from host to path to method to header to query', () => {
    const header: Partial<RoutableRoute> = { headers: { h: present }, query: { q: present } };
    const method = { ...header, methods: ['PUT'] };
    const path = { ...method, path: { kind: 'exact', value: '/x' } as const };
    const host = { ...path, hosts: ['example.com'] };
    const routes = [host, path, method, header].map((fields, i) => route(`r${i}`, fields));
    expect(reasons(routes).map((line) => line.split(/[ :]/)[1])).toEqual(['path', 'method', 'header', 'host']);
  });

  it.each([
    ['it names the host exactly', { hosts: ['api.example.com'] }, { hosts: ['*.example.com'] }],
    ['its wildcard is the longer one', { hosts: ['*.example.com'] }, { hosts: ['*.com'] }],
    ['it names the host', { hosts: ['*.com'] }, {}],
    ['its priority 2 is higher than -1', { priority: 2 }, { priority: -1 }],
    ['its path is exact', { path: { kind: 'exact', value: '/api/users' } }, {}],
    ['its path spells out more: /api over /', { path: { kind: 'prefix', value: '/api' } }, {}],
    [
      'parameters come before wildcards and prefixes',
      { path: { kind: 'pattern', value: '/api/:id' } },
      { path: { kind: 'pattern', value: '/api/*' } },
    ],
    ['regular expressions come after all other paths', {}, { path: { kind: 'regex', value: 'u' } }],
    ['it names the method', { methods: ['GET'] }, {}],
    ['it asks for 2 headers and not 1', { headers: { a: present, b: present } }, { headers: { a: present } }],
    ['it asks for 1 query parameter and not 0', { query: { q: present } }, {}],
  ] as [string, Partial<RoutableRoute>, Partial<RoutableRoute>][])(
    'says why one of two that match goes first: %s',
    (why, winner, loser) => {
      expect(shadowed(winner, loser)).toBe(`loser shadowed: matches too, but "winner" goes first: ${why}`);
    },
  );

  it('says that the earlier one in the file goes first of two alike', () => {
    expect(reasons([route('one'), route('two')])[1]).toBe(
      'two shadowed: matches too, but "one" goes first: it stands earlier in the file',
    );
  });

  it('carries what the gateway answers', () => {
    const request = { method: 'PUT', host: '', path: '/', headers: {}, query: '' };
    const { result } = explain(new RouteTable([route('it', { methods: ['GET'] })]), request);
    expect(result).toEqual({ kind: 'method_not_allowed', allow: ['GET'] });
  });
});
