import { describe, expect, it } from '@jest/globals';
import { type Asked, type Part, type Stage } from '../stage.js';

/**
 * What happens, the route, the request, and where it leads. `HERE` is the address at which the client reached the gateway.
 * Hosts in requests have the port as clients write it: the standard goes by the port of the listener, and for a client that
 * names the one it came by the two are the same.
 */
type RedirectCase = readonly [string, object, Asked | string, string];

function prefixed(path: string, prefix: string): object {
  return { path, redirect: { prefix } };
}

const HOST_AND_STATUS: readonly RedirectCase[] = [
  ['may be another host', { redirect: { host: 'example.org' } }, { host: 'old.example' }, 'http://example.org/'],
  [
    'may be another host with the same path and query',
    { redirect: { host: 'example.org' } },
    { host: 'old.example', path: '/a/b/?q=1&r' },
    'http://example.org/a/b/?q=1&r',
  ],
  ['may be another host by the same port', { redirect: { host: 'example.org' } }, '/a', 'http://example.org:PORT/a'],
];

const PATHS: readonly RedirectCase[] = [
  ['may have another prefix', prefixed('/foo', '/xyz'), '/foo/bar', 'HERE/xyz/bar'],
  ['may have another prefix with a slash at the end', prefixed('/foo', '/xyz/'), '/foo/bar', 'HERE/xyz/bar'],
  ['may replace a prefix with a slash at the end', prefixed('/foo/', '/xyz'), '/foo/bar', 'HERE/xyz/bar'],
  ['may replace a slash at the end by one', prefixed('/foo/', '/xyz/'), '/foo/bar', 'HERE/xyz/bar'],
  ['may have another prefix and nothing else', prefixed('/foo', '/xyz'), '/foo', 'HERE/xyz'],
  ['may have another prefix and a slash at the end', prefixed('/foo', '/xyz'), '/foo/', 'HERE/xyz/'],
  ['may lose its prefix', prefixed('/foo', '/'), '/foo/bar', 'HERE/bar'],
  ['may lose its prefix and be the root', prefixed('/foo', '/'), '/foo', 'HERE/'],
  ['may lose its prefix and leave a slash', prefixed('/foo', '/'), '/foo/', 'HERE/'],
  ['keeps the query with another prefix', prefixed('/foo', '/xyz'), '/foo/bar?q=/foo', 'HERE/xyz/bar?q=/foo'],
  ['may be a whole new path', { path: '/foo', redirect: { path: '/new' } }, '/foo/bar/baz', 'HERE/new'],
  ['keeps the query with a new path', { path: '/foo', redirect: { path: '/new' } }, '/foo?q=1', 'HERE/new?q=1'],
  [
    'may be a new path that uses parameters',
    { path: '/u/:id', redirect: { path: '/users/:id/x' } },
    '/u/7',
    'HERE/users/7/x',
  ],
  [
    'may have another host and another prefix',
    { path: '/foo', redirect: { host: 'example.org', prefix: '/xyz' } },
    { host: 'old.example', path: '/foo/bar' },
    'http://example.org/xyz/bar',
  ],
  [
    'may have another host and a new path',
    { path: '/foo', redirect: { host: 'example.org', path: '/new' } },
    { host: 'old.example', path: '/foo/bar' },
    'http://example.org/new',
  ],
  ['keeps what is encoded', prefixed('/foo', '/xyz'), '/foo/a%20b%2Fc', 'HERE/xyz/a%20b%2Fc'],
];

const PORTS: readonly RedirectCase[] = [
  ['has the port that the client came by', { redirect: { path: '/a' } }, '/', 'HERE/a'],
  ['may have another port', { redirect: { port: 8083 } }, { host: 'old.example:PORT' }, 'http://old.example:8083/'],
  [
    'may have another host and another port',
    { redirect: { host: 'example.org', port: 8083 } },
    { host: 'old.example:PORT' },
    'http://example.org:8083/',
  ],
  ['does not name port 80', { redirect: { port: 80 } }, { host: 'old.example:PORT' }, 'http://old.example/'],
  ['names port 443 over HTTP', { redirect: { port: 443 } }, { host: 'old.example:PORT' }, 'http://old.example:443/'],
];

const SCHEMES: readonly RedirectCase[] = [
  [
    'may be HTTPS, by its own port',
    { redirect: { scheme: 'https' } },
    { host: 'a.example:PORT' },
    'https://a.example/',
  ],
  ['may be HTTP, by its own port', { redirect: { scheme: 'http' } }, { host: 'a.example:PORT' }, 'http://a.example/'],
  [
    'may be HTTPS at another host',
    { redirect: { scheme: 'https', host: 'example.org' } },
    { host: 'a.example:PORT', path: '/x?y' },
    'https://example.org/x?y',
  ],
  [
    'may be HTTPS by another port',
    { redirect: { scheme: 'https', port: 8443 } },
    { host: 'a.example' },
    'https://a.example:8443/',
  ],
  [
    'does not name port 443 over HTTPS',
    { redirect: { scheme: 'https', port: 443 } },
    { host: 'a.example' },
    'https://a.example/',
  ],
  [
    'names port 80 over HTTPS',
    { redirect: { scheme: 'https', port: 80 } },
    { host: 'a.example' },
    'https://a.example:80/',
  ],
  [
    'does not name port 80 over HTTP',
    { redirect: { scheme: 'http', port: 80 } },
    { host: 'a.example:PORT' },
    'http://a.example/',
  ],
  [
    'may be HTTP by another port',
    { redirect: { scheme: 'http', port: 8080 } },
    { host: 'a.example' },
    'http://a.example:8080/',
  ],
  [
    'stays HTTPS for a client that a trusted proxy says came by it',
    { redirect: { host: 'example.org' } },
    { host: 'a.example', headers: { 'x-forwarded-proto': 'https' } },
    'https://example.org/',
  ],
  [
    'may be HTTP for a client that came by HTTPS',
    { redirect: { scheme: 'http' } },
    { host: 'a.example', headers: { 'x-forwarded-proto': 'https', 'x-forwarded-port': '8443' } },
    'http://a.example/',
  ],
];

const TABLES = [
  ['the place of a redirect', HOST_AND_STATUS],
  ['the path of a redirect', PATHS],
  ['the port of a redirect', PORTS],
  ['the scheme of a redirect', SCHEMES],
] as const;

const STATUSES = [301, 302, 303, 307, 308];

/** Which case a route belongs to is in a header, since hosts and paths are what the cases are about. */
function rowHeader(table: number | string, row: number): Record<string, string> {
  return { 'x-case': `${table}-${row}` };
}

export const REDIRECTS: Part = {
  configure: () => ({
    trustedProxies: ['127.0.0.1'],
    routes: [
      ...TABLES.flatMap(([, cases], table) =>
        cases.map(([, route], row) => ({ ...route, headers: rowHeader(table, row) })),
      ),
      ...STATUSES.map((status) => ({
        headers: rowHeader('status', status),
        redirect: { status, host: 'example.org' },
      })),
      { path: '/old', redirect: { status: 302, prefix: '/new' } },
      { path: '/old/kept', upstream: 'v1' },
    ],
  }),
  describe: describeRedirects,
};

function describeRedirects(stage: () => Stage): void {
  describe.each(TABLES.map(([about, cases], table) => [about, cases, table] as const))('%s', (_about, cases, table) => {
    it.each(cases.map(([says, , asked, location], row) => [says, asked, location, row] as const))(
      '%s',
      async (_says, asked, location, row) => {
        const port = String(stage().gateway.port);
        const { host, path, headers } = typeof asked === 'string' ? { path: asked } : asked;
        const answer = await stage().ask({
          ...(host === undefined ? {} : { host: host.replace('PORT', port) }),
          ...(path === undefined ? {} : { path }),
          headers: { ...headers, ...rowHeader(table, row) },
        });
        const wanted = location.replace('HERE', stage().gateway.url).replace('PORT', port);
        expect([answer.status, answer.headers.location, answer.from]).toEqual([301, wanted, undefined]);
      },
    );
  });

  describe('a redirect', () => {
    it.each(STATUSES)('may be a %d', async (status) => {
      const answer = await stage().ask({ host: 'old.example', headers: rowHeader('status', status) });
      expect([answer.status, answer.headers.location]).toEqual([status, 'http://example.org/']);
    });

    it.each(['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])('is what %s gets too', async (method) => {
      const body = method === 'POST' || method === 'PUT' ? { body: 'text' } : {};
      const answer = await stage().ask({ method, path: '/old/x', ...body });
      expect([answer.status, answer.headers.location]).toEqual([302, `${stage().gateway.url}/new/x`]);
    });

    it('leaves a longer path to its route', async () => {
      expect(await stage().whoAnswers({ path: '/old/kept' })).toBe('v1');
    });

    it('asks no upstream', async () => {
      const before = stage().v1.asked.length;
      await stage().ask({ path: '/old' });
      expect(stage().v1.asked.length).toBe(before);
    });
  });
}
