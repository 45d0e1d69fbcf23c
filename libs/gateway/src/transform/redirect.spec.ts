import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type RedirectConfig } from '#config';
import { type RoutePath } from '../routing/routable-route.js';
import { checkTransforms } from './check-transforms.js';
import { compileRedirect, type RedirectSource } from './redirect.js';

const NOTHING: RedirectConfig = { status: 301, scheme: null, host: null, path: null, prefix: null, port: null };

interface Asked {
  readonly host?: string;
  readonly path?: string;
  readonly query?: string;
  readonly params?: Record<string, string>;
  readonly secure?: boolean;
  readonly port?: number;
  /** From a trusted proxy. */
  readonly forwarded?: Record<string, string>;
  readonly trusted?: boolean;
}

function location(
  change: Partial<RedirectConfig>,
  asked: Asked = {},
  path: RoutePath = { kind: 'prefix', value: '/' },
) {
  const source: RedirectSource = {
    req: { headers: { ...(asked.host === '' ? {} : { host: asked.host ?? 'example.org' }), ...asked.forwarded } },
    listener: { secure: asked.secure ?? false, port: asked.port ?? 80 },
    trusted: asked.trusted ?? asked.forwarded !== undefined,
    path: asked.path ?? '/a',
    query: asked.query ?? '',
    params: asked.params ?? {},
    principal: null,
  };
  const answer = compileRedirect({ name: 'r', path }, { ...NOTHING, ...change }, null)(source);
  expect(answer).toEqual({
    status: change.status ?? 301,
    headers: ['Location', expect.any(String), 'Content-Length', '0'],
    body: null,
  });
  return answer.headers[1];
}

describe('where a redirect leads', () => {
  it('keeps what is not said, and the query', () => {
    expect(location({ status: 308 }, { path: '/a/b', query: '?x=1&y=%20' })).toBe('http://example.org/a/b?x=1&y=%20');
    expect(location({ host: 'example.com' }, { query: '?x' })).toBe('http://example.com/a?x');
    expect(location({ path: '/new' }, { query: '?x=1' })).toBe('http://example.org/new?x=1');
  });

  it.each([
    // The Gateway API's conformance table for listeners on 80, 8080 and 443.
    ['http', '', null, null, 'http://example.org/a'],
    ['http', '', null, 80, 'http://example.org/a'],
    ['http', '', null, 8080, 'http://example.org:8080/a'],
    ['http', '', 'https', null, 'https://example.org/a'],
    ['http', '', 'https', 443, 'https://example.org/a'],
    ['http', '', 'https', 8443, 'https://example.org:8443/a'],
    ['http', ':8080', null, null, 'http://example.org:8080/a'],
    ['http', ':8080', null, 80, 'http://example.org/a'],
    ['http', ':8080', 'https', null, 'https://example.org/a'],
    ['https', '', null, null, 'https://example.org/a'],
    ['https', '', null, 443, 'https://example.org/a'],
    ['https', '', null, 8443, 'https://example.org:8443/a'],
    ['https', '', 'http', null, 'http://example.org/a'],
    ['https', '', 'http', 80, 'http://example.org/a'],
    ['https', '', 'http', 8080, 'http://example.org:8080/a'],
    ['https', '', 'http', 443, 'http://example.org:443/a'],
  ] as const)('over %s, Host with "%s", scheme %s, port %s: %s', (over, hostPort, scheme, port, result) => {
    expect(location({ scheme, port }, { host: `example.org${hostPort}`, secure: over === 'https' })).toBe(result);
  });

  it('takes a new host with the port that was asked for', () => {
    expect(location({ host: 'example.com' }, { host: 'old.example:8080', port: 8080 })).toBe(
      'http://example.com:8080/a',
    );
    expect(location({ host: '2001:db8::1' })).toBe('http://[2001:db8::1]/a');
    expect(location({ host: '[2001:db8::1]', port: 81 })).toBe('http://[2001:db8::1]:81/a');
  });

  it('never names the port of the listener where the client came through another', () => {
    expect(location({ path: '/new' }, { port: 8080 })).toBe('http://example.org/new');
  });

  it('believes a trusted proxy, and nobody else', () => {
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-port': '8443' };
    expect(location({}, { forwarded })).toBe('https://example.org:8443/a');
    expect(location({ scheme: 'http' }, { forwarded })).toBe('http://example.org/a');
    expect(location({}, { forwarded: { ...forwarded, 'x-forwarded-port': '443' } })).toBe('https://example.org/a');
    expect(location({}, { forwarded, trusted: false })).toBe('http://example.org/a');
    expect(location({}, { forwarded: { 'x-forwarded-proto': 'javascript', 'x-forwarded-port': 'x' } })).toBe(
      'http://example.org/a',
    );
  });

  it('replaces the prefix that matched, and with it an exact path or what stands before *', () => {
    const prefix = '/new';
    const below: RoutePath = { kind: 'prefix', value: '/old' };
    expect(location({ prefix }, { path: '/old/lemon' }, below)).toBe('http://example.org/new/lemon');
    expect(location({ prefix }, { path: '/old' }, below)).toBe('http://example.org/new');
    expect(location({ prefix }, { path: '/old/' }, below)).toBe('http://example.org/new/');
    expect(location({ prefix: '/' }, { path: '/old' }, below)).toBe('http://example.org/');
    expect(location({ prefix: '/' }, { path: '/old/x' }, below)).toBe('http://example.org/x');
    expect(location({ prefix }, { path: '/x' })).toBe('http://example.org/new/x');
    expect(location({ prefix }, { path: '/old' }, { kind: 'exact', value: '/old' })).toBe('http://example.org/new');
    expect(location({ prefix }, { path: '/old/a/b' }, { kind: 'pattern', value: '/old/*' })).toBe(
      'http://example.org/new/a/b',
    );
    expect(location({ prefix }, { path: '/u/7/x' }, { kind: 'pattern', value: '/u/:id/*' })).toBe(
      'http://example.org/new/x',
    );
    expect(location({ prefix }, { path: '/u/7' }, { kind: 'pattern', value: '/u/:id' })).toBe('http://example.org/new');
  });

  it('refuses to replace the prefix of a regular expression', () => {
    const path: RoutePath = { kind: 'regex', value: '^/v1' };
    const redirect = { ...NOTHING, prefix: '/v2' };
    const rewrite = { stripPrefix: null, prefix: null, path: null, host: { kind: 'preserve' } } as const;
    expect(() => compileRedirect({ name: 'r', path }, redirect, null)).toThrow('redirect.prefix');
    expect(checkTransforms({ path, rewrite, redirect })).toMatchObject([{ path: 'redirect.prefix' }]);
    expect(checkTransforms({ path, rewrite, redirect: { ...NOTHING, path: '/:x' } })).toMatchObject([
      { path: 'redirect.path' },
    ]);
    expect(checkTransforms({ path, rewrite, redirect: { ...NOTHING, path: '/x' } })).toEqual([]);
  });

  it('puts parameters into a new path', () => {
    const path: RoutePath = { kind: 'pattern', value: '/people/:id' };
    expect(location({ path: '/users/:id' }, { path: '/people/7', params: { id: '7' } }, path)).toBe(
      'http://example.org/users/7',
    );
  });

  it('is a path alone when the request names no host that could stand in a URL', () => {
    for (const host of ['', 'a b', 'evil.example/x', 'a@b', 'x:port'])
      expect(location({ path: '/new' }, { host })).toBe('/new');
  });

  it('never leads to a host that a path spells', () => {
    const path = fc
      .string({ unit: fc.constantFrom('/', '\\', 'a', '.', '%5C', '%2F', '@', ':', '"'), minLength: 1 })
      .map((text) => `/${text}`.replace(/\/+/g, '/'));
    fc.assert(
      fc.property(path, fc.constantFrom('', 'example.org', 'example.org:81', 'b/ad'), (asked, host) => {
        const result = location({}, { path: asked, host });
        expect(result).toMatch(/^[!#-;=?-[\]_a-z~]+$/);
        expect(new URL(result!, 'http://example.org').hostname).toBe('example.org');
      }),
    );
  });
});
