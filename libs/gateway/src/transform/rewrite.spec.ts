import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type RewriteConfig } from '#config';
import { normalizePath } from '../routing/normalize-path.js';
import { type RoutePath } from '../routing/routable-route.js';
import { RouteTable } from '../routing/route-table.js';
import { checkTransforms } from './check-transforms.js';
import { compileRewrite } from './rewrite.js';

const NOTHING: RewriteConfig = { stripPrefix: null, prefix: null, path: null, host: { kind: 'preserve' } };

function rewrite(path: RoutePath, change: Partial<RewriteConfig>) {
  return compileRewrite({ name: 'r', path, rewrite: { ...NOTHING, ...change } });
}

/** As a request would come to it: matched and with the parameters that the table found. */
function rewritten(path: RoutePath, change: Partial<RewriteConfig>, asked: string): string {
  const route = { name: 'r', hosts: [], path, methods: [], headers: {}, query: {}, priority: 0 };
  const match = new RouteTable([route]).match('GET', '', asked, { headers: {} }, '');
  if (match.kind !== 'route') throw new Error(`${asked} does not match ${path.value}`);
  return rewrite(path, change).path({ path: asked, params: match.rawParams });
}

const prefix = (value: string): RoutePath => ({ kind: 'prefix', value });
const pattern = (value: string): RoutePath => ({ kind: 'pattern', value });

describe('stripPrefix and prefix', () => {
  it.each([
    // path, prefix that matched, replacement, result: the table of the Gateway API's ReplacePrefixMatch
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
    ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'],
    ['/foo/bar', '/foo', null, '/bar'],
    ['/foo/', '/foo', null, '/'],
    ['/foo', '/foo', null, '/'],
    ['/foo/', '/foo', '/', '/'],
    ['/foo', '/foo', '/', '/'],
    ['/foo', '/foo', '/xyz/', '/xyz'],
  ])('makes of %s with %s replaced by %s: %s', (asked, matched, replacement, result) => {
    expect(rewritten(prefix(matched), { stripPrefix: matched, prefix: replacement }, asked)).toBe(result);
  });

  it('strips whole segments only', () => {
    const { path, prefixTaken } = rewrite(prefix('/'), { stripPrefix: '/api' });
    expect(path({ path: '/apis/1', params: {} })).toBe('/apis/1');
    expect(prefixTaken('/apis/1')).toBe('');
    expect(prefixTaken('/api/1')).toBe('/api');
    expect(prefixTaken('/api')).toBe('/api');
  });

  it('prepends also where nothing was stripped', () => {
    expect(rewritten(prefix('/'), { prefix: '/v2' }, '/users')).toBe('/v2/users');
    expect(rewritten(prefix('/'), { prefix: '/v2' }, '/')).toBe('/v2/');
    expect(rewritten(prefix('/'), { stripPrefix: '/api', prefix: '/v2' }, '/users')).toBe('/v2/users');
  });

  it('can strip part of what matched, and works behind a regular expression', () => {
    expect(rewritten(prefix('/api/users'), { stripPrefix: '/api' }, '/api/users/1')).toBe('/users/1');
    expect(rewritten({ kind: 'regex', value: '^/v[0-9]+/' }, { stripPrefix: '/v1', prefix: '/v2' }, '/v1/a')).toBe(
      '/v2/a',
    );
    expect(rewritten({ kind: 'regex', value: '^/v[0-9]+/' }, { stripPrefix: '/v1' }, '/v3/a')).toBe('/v3/a');
  });

  it('finds a prefix with an encoded character however its digits are written', () => {
    expect(rewritten(prefix('/a%2fb'), { stripPrefix: '/a%2fb' }, '/a%2Fb/c')).toBe('/c');
  });

  it('changes nothing when nothing is said', () => {
    const { path, prefixTaken } = rewrite(prefix('/a'), {});
    expect(path({ path: '/a//b', params: {} })).toBe('/a//b');
    expect(prefixTaken('/a/b')).toBe('');
  });
});

describe('path templates', () => {
  it('puts parameters where they are named', () => {
    const path = pattern('/orders/:id/items/:item');
    expect(rewritten(path, { path: '/items/:item/of/:id' }, '/orders/7/items/9')).toBe('/items/9/of/7');
    expect(rewritten(path, { path: '/items/:item.json' }, '/orders/7/items/9')).toBe('/items/9.json');
    expect(rewritten(path, { path: '/fixed' }, '/orders/7/items/9')).toBe('/fixed');
    expect(rewritten(pattern('/a/:b'), { path: '/at:b/' }, '/a/1')).toBe('/at:b/');
  });

  it('puts in what * took', () => {
    expect(rewritten(pattern('/files/*'), { path: '/archive/*' }, '/files/a/b')).toBe('/archive/a/b');
    expect(rewritten(pattern('/files/*'), { path: '/archive/*' }, '/files/')).toBe('/archive/');
    expect(rewritten(pattern('/u/:id/files/*'), { path: '/:id/*' }, '/u/7/files/a/')).toBe('/7/a/');
    expect(rewritten(pattern('/*'), { path: '/*' }, '/a')).toBe('/a');
  });

  it('is a plain path for every kind of route', () => {
    for (const path of [prefix('/a'), { kind: 'exact', value: '/a' }, { kind: 'regex', value: '^/a' }] as const) {
      expect(rewritten(path, { path: '/b' }, '/a')).toBe('/b');
    }
  });

  it.each([
    [prefix('/people'), '/people/:id', 'the route’s path has no parameter :id'],
    [{ kind: 'regex', value: '^/(?<id>.*)' } as const, '/:id', 'the route’s path has no parameter :id'],
    [pattern('/a/:id'), '/b/*', 'a * here is what the * of the route’s path takes, and that path has none'],
    [prefix('/a'), '/b/*', 'a * here is what the * of the route’s path takes, and that path has none'],
    [pattern('/a/:id'), '/b/:1', '":1" is not a parameter; write a colon and a name, such as :id'],
  ])('of a route %j refuses %s', (path, template, message) => {
    const change = { ...NOTHING, path: template };
    expect(checkTransforms({ path, rewrite: change, redirect: null })).toEqual([{ path: 'rewrite.path', message }]);
    expect(() => compileRewrite({ name: 'r', path, rewrite: change })).toThrow(message);
  });

  it('keeps its shape whatever a client sends for the parameters', () => {
    const route = pattern('/a/:x/:y');
    const segment = fc.string({
      unit: fc.constantFrom('.', '%2F', '%2f', '%5C', '\\', ';', 'a', '%2E', ':x', '*', '%25'),
      minLength: 1,
    });
    fc.assert(
      fc.property(segment, segment, (x, y) => {
        const path = normalizePath(`/a/${x}/${y}`);
        fc.pre(
          typeof path === 'string' && path.split('/').length === 4 && path.startsWith('/a/') && !path.endsWith('/'),
        );
        const result = rewritten(route, { path: '/p/:y/q/:x' }, path);
        const segments = result.split('/');
        expect(segments).toHaveLength(5);
        expect([segments[1], segments[3]]).toEqual(['p', 'q']);
        expect(normalizePath(result)).toBe(result);
      }),
    );
  });
});

describe('host', () => {
  it('is the client’s, the target’s or a name', () => {
    const hosts = (host: RewriteConfig['host']) => rewrite(prefix('/'), { host }).host('shop.example', '10.0.0.1:8080');
    expect(hosts({ kind: 'preserve' })).toBe('shop.example');
    expect(hosts({ kind: 'upstream' })).toBe('10.0.0.1:8080');
    expect(hosts({ kind: 'name', value: 'users.internal' })).toBe('users.internal');
  });
});
