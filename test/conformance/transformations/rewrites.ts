import { describe, expect, it } from '@jest/globals';
import { type Asked, type Part, type Stage } from '../stage.js';

/** What happens, the route, the request, and what the upstream is asked for. */
type RewriteCase = readonly [string, object, Asked | string, string];

/** `stripPrefix` and `prefix` together are ReplacePrefixMatch. */
function replaced(stripPrefix: string, prefix?: string): object {
  return { path: stripPrefix, rewrite: { stripPrefix, ...(prefix === undefined ? {} : { prefix }) } };
}

const PREFIXES: readonly RewriteCase[] = [
  ['leaves what is below it', replaced('/foo', '/xyz'), '/foo/bar', '/xyz/bar'],
  ['leaves what is far below it', replaced('/foo', '/xyz'), '/foo/bar/baz/', '/xyz/bar/baz/'],
  ['may be replaced by one with a slash at the end', replaced('/foo', '/xyz/'), '/foo/bar', '/xyz/bar'],
  ['may have a slash at the end', replaced('/foo/', '/xyz'), '/foo/bar', '/xyz/bar'],
  ['may have a slash at the end as both have', replaced('/foo/', '/xyz/'), '/foo/bar', '/xyz/bar'],
  ['may be all of the path', replaced('/foo', '/xyz'), '/foo', '/xyz'],
  ['leaves a slash at the end of the path', replaced('/foo', '/xyz'), '/foo/', '/xyz/'],
  ['may go away', replaced('/foo'), '/foo/bar', '/bar'],
  ['may go away and leave a slash', replaced('/foo'), '/foo/', '/'],
  ['may go away and leave nothing, which is the root', replaced('/foo'), '/foo', '/'],
  ['may become the root', replaced('/foo', '/'), '/foo', '/'],
  ['may become the root and leave a slash', replaced('/foo', '/'), '/foo/', '/'],
  ['may become the root and leave what is below it', replaced('/foo', '/'), '/foo/bar', '/bar'],
  ['may have several segments', replaced('/foo/bar', '/x/y/z'), '/foo/bar/baz', '/x/y/z/baz'],
  ['may be the root', replaced('/', '/xyz'), '/bar', '/xyz/bar'],
  ['is replaced once', replaced('/foo', '/xyz'), '/foo/foo', '/xyz/foo'],
  ['leaves the query', replaced('/foo', '/xyz'), '/foo/bar?q=/foo&r', '/xyz/bar?q=/foo&r'],
  ['leaves what is encoded', replaced('/foo', '/xyz'), '/foo/a%20b%2Fc', '/xyz/a%20b%2Fc'],
  [
    'may be shorter than the path of the route',
    { path: '/foo/bar', rewrite: { stripPrefix: '/foo' } },
    '/foo/bar/baz',
    '/bar/baz',
  ],
];

const WHOLE_PATHS: readonly RewriteCase[] = [
  ['takes the place of all of it', { path: '/full', rewrite: { path: '/one' } }, '/full/x/y', '/one'],
  ['takes the place of an exact path', { path: { exact: '/full' }, rewrite: { path: '/one' } }, '/full', '/one'],
  ['leaves the query', { path: '/full', rewrite: { path: '/one' } }, '/full/x?q=1', '/one?q=1'],
  ['may be the root', { path: '/full', rewrite: { path: '/' } }, '/full/x', '/'],
  ['may end with a slash', { path: '/full', rewrite: { path: '/one/' } }, '/full', '/one/'],
  [
    'may use parameters',
    { path: '/users/:id/posts/:post', rewrite: { path: '/p/:post/of/:id' } },
    '/users/7/posts/a%2Fb',
    '/p/a%2Fb/of/7',
  ],
  [
    'stands beside header changes',
    { path: '/full', rewrite: { path: '/one' }, request: { headers: { set: { 'x-team': 'blue' } } } },
    '/full',
    '/one',
  ],
];

const UNCHANGED: readonly RewriteCase[] = [
  ['has the path of the client', { path: '/foo' }, '/foo/bar?q=%7E', '/foo/bar?q=%7E'],
  ['has the slash at the end', { path: '/foo' }, '/foo/', '/foo/'],
  ['has the method of the client', { path: '/' }, { method: 'PATCH', path: '/x', body: 'y' }, '/x'],
];

const TABLES = [
  ['a prefix', PREFIXES],
  ['a new path', WHOLE_PATHS],
  ['a request that is not rewritten', UNCHANGED],
] as const;

/** What happens, `rewrite.host`, the host that the client asks for, and what the upstream gets. */
type HostCase = readonly [string, string | undefined, string, string];

const HOSTS: readonly HostCase[] = [
  ['is the one of the client, unless the route says otherwise', undefined, 'shop.hosts.example', 'shop.hosts.example'],
  ['keeps the port of the client', undefined, 'shop.hosts.example:8443', 'shop.hosts.example:8443'],
  ['keeps the case of the client', undefined, 'Shop.Hosts.Example', 'Shop.Hosts.Example'],
  ['is the one of the client when the route says so', 'preserve', 'shop.hosts.example', 'shop.hosts.example'],
  ['may be a name', 'one.example.org', 'shop.hosts.example', 'one.example.org'],
  ['may be a name with a port', 'one.example.org:81', 'shop.hosts.example', 'one.example.org:81'],
  ['may be the one of the target', 'upstream', 'shop.hosts.example', 'V1'],
];

export const REWRITES: Part = {
  configure: () => ({
    routes: [
      ...TABLES.flatMap(([, cases], table) =>
        cases.map(([, route], row) => ({ ...route, hosts: [`${table}-${row}.example`], upstream: 'v1' })),
      ),
      ...HOSTS.map(([, host], row) => ({
        path: `/host-${row}`,
        hosts: ['shop.hosts.example'],
        upstream: 'v1',
        rewrite: host === undefined ? {} : { host },
      })),
    ],
  }),
  describe: describeRewrites,
};

function describeRewrites(stage: () => Stage): void {
  describe.each(TABLES.map(([about, cases], table) => [about, cases, table] as const))(
    '%s, on the way to the upstream,',
    (_about, cases, table) => {
      it.each(cases.map(([says, , asked, result], row) => [says, asked, result, row] as const))(
        '%s',
        async (_says, asked, result, row) => {
          const request = typeof asked === 'string' ? { path: asked } : asked;
          const seen = await stage().seen({ host: `${table}-${row}.example`, ...request });
          expect(seen.url).toBe(result);
          expect(seen.method).toBe(request.method ?? 'GET');
          expect(seen.body).toBe(request.body ?? '');
        },
      );
    },
  );

  describe('the host that the upstream gets', () => {
    it.each(HOSTS.map(([says, , asked, result], row) => [says, asked, result, row] as const))(
      '%s',
      async (_says, host, result, row) => {
        const { headers } = await stage().seen({ host, path: `/host-${row}` });
        expect(headers['host']).toBe(result === 'V1' ? new URL(stage().v1.server.url).host : result);
        expect(headers['x-forwarded-host']).toBe(host);
      },
    );
  });
}
