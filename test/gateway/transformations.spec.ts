import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { get, type IncomingMessage, request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import {
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';

const TEXT = 'a line that repeats itself\n'.repeat(500);

let upstream: RecordingUpstream;
let database: TestDatabase;
let gateway: SpawnedGateway;

beforeAll(async () => {
  upstream = await startUpstream((req, res) => {
    res.setHeader('Content-Type', 'text/plain');
    res.setHeader('X-Internal', 'secret');
    res.setHeader('X-Frame-Options', 'DENY');
    res.setHeader('Access-Control-Allow-Origin', '*');
    if (req.url === '/streamed') {
      res.write(TEXT.slice(0, 100));
      setImmediate(() => res.end(TEXT.slice(100)));
    } else res.end(TEXT);
  });
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        trustedProxies: ['127.0.0.1'],
        cors: { origins: ['https://app.example'], credentials: true, methods: ['GET', 'PUT'] },
        upstreams: [{ name: 'main', targets: [upstream.url] }],
        routes: [
          { path: '/old/:id', redirect: { status: 308, scheme: 'https', host: 'new.example', path: '/new/:id' } },
          { path: '/down', respond: { status: 503, body: 'down for maintenance', headers: { 'retry-after': '60' } } },
          {
            path: '/people/:id',
            upstream: 'main',
            rewrite: { path: '/users/:id/profile', host: 'users.internal' },
            request: {
              headers: {
                set: { 'X-Team': 'blue', 'X-Request-Id': 'fixed' },
                add: { accept: 'text/x' },
                remove: ['cookie'],
              },
              query: { set: { v: '2' }, remove: ['debug'] },
            },
            response: {
              headers: { set: { 'x-served-by': 'aegis' }, remove: ['x-internal', 'x-dns-prefetch-control'] },
            },
          },
          { path: '/inside', upstream: 'main', ip: { allow: ['10.0.0.0/8'], deny: ['10.6.6.6'] } },
          {
            path: '/split',
            upstream: [
              { upstream: 'main', weight: 3 },
              { upstream: upstream.url.replace('127.0.0.1', 'localhost'), weight: 1 },
            ],
            rewrite: { host: 'upstream' },
          },
          { path: '/', upstream: 'main' },
        ],
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await database.drop();
});

async function ask(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ res: IncomingMessage; body: Buffer }> {
  const [res] = (await once(request(gateway.url + path, { method, headers }).end(), 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of res) pieces.push(piece as Buffer);
  return { res, body: Buffer.concat(pieces) };
}

describe('a route', () => {
  it('redirects with the parameters of its path and the query', async () => {
    const { res } = await ask('/old/42?x=1');
    expect([res.statusCode, res.headers.location]).toEqual([308, 'https://new.example/new/42?x=1']);
  });

  it('answers by itself, with the headers that every answer has', async () => {
    const { res, body } = await ask('/down');
    expect([res.statusCode, body.toString(), res.headers['retry-after']]).toEqual([503, 'down for maintenance', '60']);
    expect(res.headers['x-content-type-options']).toBe('nosniff');
    expect(res.headers['x-request-id']).toBeDefined();
    expect((await ask('/down', {}, 'HEAD')).body.length).toBe(0);
  });

  it('changes the request and the response as it says', async () => {
    const { res } = await ask('/people/7?debug=1&a=b', { cookie: 'secret', accept: 'text/plain', 'x-team': 'red' });
    const seen = upstream.requests.at(-1)!;
    expect(seen.url).toBe('/users/7/profile?a=b&v=2');
    expect(seen.headers).toMatchObject({
      host: 'users.internal',
      'x-team': 'blue',
      'x-request-id': 'fixed',
      accept: 'text/plain, text/x',
    });
    expect(seen.headers.cookie).toBeUndefined();
    expect(res.headers['x-served-by']).toBe('aegis');
    expect(res.headers['x-internal']).toBeUndefined();
    expect(res.headers['x-dns-prefetch-control']).toBeUndefined();
  });

  it('lets in the addresses that it admits, and 403 the others', async () => {
    expect((await ask('/inside', { 'x-forwarded-for': '10.1.2.3' })).res.statusCode).toBe(200);
    for (const address of ['10.6.6.6', '11.0.0.1']) {
      const { res, body } = await ask('/inside', { 'x-forwarded-for': address });
      expect(res.statusCode).toBe(403);
      expect(JSON.parse(body.toString())).toMatchObject({ code: 'ip_denied' });
    }
  });

  it('splits its traffic by weight', async () => {
    const before = upstream.requests.length;
    for (let i = 0; i < 40; i++) await ask('/split');
    const hosts = upstream.requests.slice(before).map(({ headers }) => headers.host?.split(':')[0]);
    expect(hosts.filter((host) => host === 'localhost').length).toBeGreaterThanOrEqual(8);
    expect(hosts.filter((host) => host === 'localhost').length).toBeLessThanOrEqual(12);
  });
});

describe('every response', () => {
  it('has the security headers that it lacks, and keeps its own', async () => {
    const { res } = await ask('/');
    expect(res.headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff' });
    const missing = await ask('/old');
    expect(missing.res.headers['referrer-policy']).toBe('no-referrer');
  });

  it('is compressed when the client takes that, streamed or not', async () => {
    for (const path of ['/', '/streamed']) {
      const { res, body } = await ask(path, { 'accept-encoding': 'gzip' });
      expect(res.headers['content-encoding']).toBe('gzip');
      expect(res.headers.vary).toContain('Accept-Encoding');
      expect(body.length).toBeLessThan(TEXT.length / 10);
      expect(gunzipSync(body).toString()).toBe(TEXT);
    }
    const plain = await ask('/');
    expect(plain.res.headers['content-encoding']).toBeUndefined();
    expect(plain.body.toString()).toBe(TEXT);
  });

  it('that is being compressed for a client who leaves ends for the upstream too', async () => {
    const req = get(gateway.url, { headers: { 'accept-encoding': 'gzip' } });
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    req.on('error', () => undefined);
    res.on('error', () => undefined);
    res.destroy();
    expect((await ask('/')).res.statusCode).toBe(200);
  });
});

describe('another origin', () => {
  const ORIGIN = { origin: 'https://app.example' };

  it('is told by the preflight what it may do, before anything else', async () => {
    const { res } = await ask('/inside', { ...ORIGIN, 'access-control-request-method': 'PUT' }, 'OPTIONS');
    expect(res.statusCode).toBe(204);
    expect(res.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, PUT',
    });
  });

  it('reads answers and problems when it is allowed to, and only then', async () => {
    for (const path of ['/', '/inside']) {
      expect((await ask(path, ORIGIN)).res.headers['access-control-allow-origin']).toBe('https://app.example');
      const other = await ask(path, { origin: 'https://evil.example' });
      expect(other.res.headers['access-control-allow-origin']).toBeUndefined();
      expect(other.res.headers.vary).toContain('Origin');
    }
  });
});
