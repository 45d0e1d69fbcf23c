import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type ClientHttp2Session } from 'node:http2';
import { request } from 'node:https';
import { promisify } from 'node:util';
import {
  type RecordingUpstream,
  scratchFolder,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';
import { makeCertificate } from './http2/certificate.js';
import { answerTo, ask, http2Client } from './http2/client.js';

/** Each test says what the upstream does with its next request. */
let upstreamDoes: (req: IncomingMessage, res: ServerResponse) => void;
let upstream: RecordingUpstream;
let database: TestDatabase;
let gateway: SpawnedGateway;
let client: ClientHttp2Session;

const folder = scratchFolder('http2-clients');
const authority = makeCertificate(folder, 'authority');
const server = makeCertificate(folder, 'localhost');
const robot = makeCertificate(folder, 'robot.example', authority);

beforeAll(async () => {
  upstream = await startUpstream((req, res) => upstreamDoes(req, res));
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    scheme: 'https',
    config: {
      gateway: {
        tls: { ...server, http2: true, clientCa: authority.cert },
        limits: { body: '64mb', requestTimeout: '3s', headers: '8kb', url: '4kb' },
        upstreams: [{ name: 'main', targets: [upstream.url], retry: 'off' }],
        routes: [
          { path: '/certified', upstream: 'main', auth: { methods: ['mtls'] } },
          { path: '/small', upstream: 'main', limits: { body: '1kb' } },
          { path: '/limited', upstream: 'main', rateLimit: { limit: 1, window: '1h', key: 'ip' } },
          { path: '/cached', upstream: 'main', cache: { ttl: '1m' } },
          { path: '/fixed', respond: { status: 200, body: 'fixed' } },
          { path: '/', methods: ['GET', 'HEAD', 'POST', 'PUT'], upstream: 'main' },
        ],
      },
    },
  });
  client = await http2Client(gateway.port);
}, 60_000);

beforeEach(() => {
  upstreamDoes = (req, res) => {
    req.resume();
    req.on('end', () => res.end('ok'));
  };
});

afterAll(async () => {
  client.destroy();
  await gateway.stop();
  await upstream.stop();
  await database.drop();
});

describe('a client that chooses HTTP/2', () => {
  it('is served as one of HTTP/1.1, and the upstream sees the same request', async () => {
    const answer = await ask(client, '/a//b/../c?q=1', {
      ':authority': 'shop.example:81',
      cookie: ['a=1', 'b=2'],
      'x-two': ['1', '2'],
      'x-forwarded-for': '6.6.6.6',
      'x-consumer-name': 'admin',
    });
    expect([answer.status, answer.body]).toEqual([200, 'ok']);
    expect(answer.headers).toMatchObject({
      'x-request-id': expect.any(String),
      'strict-transport-security': expect.any(String),
    });
    const seen = upstream.requests.at(-1)!;
    expect([seen.method, seen.url]).toEqual(['GET', '/a/c?q=1']);
    expect(seen.headers).toMatchObject({
      host: 'shop.example:81',
      cookie: 'a=1; b=2',
      'x-two': '1, 2',
      'x-forwarded-for': expect.stringMatching(/^(::1|127\.0\.0\.1)$/),
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.example:81',
      via: '2.0 aegis',
    });
    expect(seen.headers).not.toHaveProperty('x-consumer-name');
    expect(seen.rawHeaders.filter((text) => text.startsWith(':'))).toEqual([]);
    expect(seen.headers).not.toHaveProperty('transfer-encoding');
  });

  it('may do so beside one that speaks HTTP/1.1, on the same port', async () => {
    const req = request({ port: gateway.port, path: '/', rejectUnauthorized: false, agent: false });
    req.end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    res.resume();
    expect([res.statusCode, res.httpVersion]).toEqual([200, '1.1']);
  });

  it('may be curl', async () => {
    const { stdout } = await promisify(execFile)('curl', [
      '-sk',
      '--http2',
      '-w',
      ' %{http_version} %{http_code}',
      '-d',
      'body',
      `${gateway.url}/curl`,
    ]);
    expect(stdout).toBe('ok 2 200');
    expect(String(upstream.requests.at(-1)!.body)).toBe('body');
  });

  it('has many requests under way on one connection', async () => {
    const waiting: ServerResponse[] = [];
    upstreamDoes = (_req, res) => {
      waiting.push(res);
      if (waiting.length === 50) for (const one of waiting) one.end('together');
    };
    const answers = await Promise.all(Array.from({ length: 50 }, async () => await ask(client, '/together')));
    expect(answers.map(({ body }) => body)).toEqual(answers.map(() => 'together'));
  });

  it('is known by its certificate', async () => {
    const certified = await http2Client(gateway.port, { cert: readFileSync(robot.cert), key: readFileSync(robot.key) });
    expect((await ask(certified, '/certified')).status).toBe(200);
    expect(upstream.requests.at(-1)!.headers['x-consumer-name']).toBe('robot.example');
    expect((await ask(client, '/certified')).status).toBe(401);
    certified.destroy();
  });
});

describe('an answer over HTTP/2', () => {
  it('has the trailers of the upstream', async () => {
    upstreamDoes = (_req, res) => {
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('body');
      res.addTrailers({ 'X-Sum': '42' });
      res.end();
    };
    expect(await ask(client, '/trailers')).toMatchObject({ body: 'body', trailers: { 'x-sum': '42' } });
  });

  it('has early hints before it, and every cookie', async () => {
    upstreamDoes = (_req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => {
        res.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], connection: 'x-hop', 'x-hop': 'gone' });
        res.end('x');
      });
    };
    const { informational, headers } = await ask(client, '/hints');
    expect(informational).toMatchObject([{ ':status': 103, link: '</style.css>; rel=preload' }]);
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(headers).not.toHaveProperty('x-hop');
  });

  it('is one frame when there is no body', async () => {
    upstreamDoes = (req, res) => res.writeHead(req.method === 'HEAD' ? 200 : 204).end();
    expect(await ask(client, '/nothing')).toMatchObject({ status: 204, headOnly: true });
    expect(await ask(client, '/nothing', { ':method': 'HEAD' })).toMatchObject({ status: 200, headOnly: true });
  });

  it('is streamed as it comes, and cut off visibly when the upstream dies', async () => {
    upstreamDoes = (req, res) => {
      res.write('first');
      res.on('close', () => undefined);
      req.on('end', () => undefined);
      setImmediate(() => res.socket?.resetAndDestroy());
    };
    const stream = client.request({ ':path': '/dies' });
    await expect(answerTo(stream)).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
  });

  it('waits for a client that reads slowly, and comes whole', async () => {
    const piece = Buffer.alloc(65_536, 'x');
    let written = 0;
    let held = false;
    upstreamDoes = (_req, res) => {
      const more = (): void => {
        while (written < 400) {
          written++;
          if (!res.write(piece)) {
            held = true;
            res.once('drain', more);
            return;
          }
        }
        res.end();
      };
      more();
    };
    const stream = client.request({ ':path': '/large' });
    await once(stream, 'response');
    stream.pause();
    // Another on the same connection is not held up.
    expect((await ask(client, '/fixed')).body).toBe('fixed');
    let bytes = 0;
    stream.on('data', (got: Buffer) => (bytes += got.length));
    stream.resume();
    await once(stream, 'end');
    expect([bytes, held]).toEqual([400 * 65_536, true]);
  });

  it('of Aegis is a problem, and a refusal with a body to come ends the stream but not the connection', async () => {
    const missing = await ask(client, '/', { ':method': 'PATCH' }, 'x');
    expect([missing.status, missing.headers['content-type'], missing.headers['allow']]).toEqual([
      405,
      'application/problem+json',
      'GET, HEAD, POST, PUT',
    ]);
    const stream = client.request({ ':path': '/', ':method': 'PATCH' });
    stream.write('some');
    expect((await answerTo(stream)).status).toBe(405);
    await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
    await ask(client, '/limited');
    expect(await ask(client, '/limited')).toMatchObject({
      status: 429,
      headers: { 'retry-after': expect.any(String) },
    });
  });

  it('comes from the reserved paths too', async () => {
    expect(await ask(client, '/health/ready')).toMatchObject({ status: 200 });
    const status = await ask(client, '/_aegis/status', { 'x-api-key': gateway.adminKey });
    expect(status.status).toBe(200);
    expect(JSON.parse(status.body)).toHaveProperty('version');
    expect((await ask(client, '/_aegis/status')).status).toBe(401);
    expect((await ask(client, '/_aegis/reload', { ':method': 'POST' }, 'x'.repeat(100_000))).status).toBe(401);
  });
});

describe('a request over HTTP/2', () => {
  it('streams its body, with and without a length', async () => {
    const body = 'y'.repeat(1_000_000);
    expect((await ask(client, '/put', { ':method': 'PUT' }, body)).status).toBe(200);
    expect(upstream.requests.at(-1)!.headers['transfer-encoding']).toBe('chunked');
    expect(upstream.requests.at(-1)!.body.length).toBe(body.length);
    await ask(client, '/put', { ':method': 'PUT', 'content-length': body.length }, body);
    expect(upstream.requests.at(-1)!.headers['content-length']).toBe(String(body.length));
    expect(upstream.requests.at(-1)!.body.length).toBe(body.length);
  });

  it('is told to go on when it asks', async () => {
    const stream = client.request({ ':path': '/continue', ':method': 'PUT', expect: '100-continue' });
    const answer = answerTo(stream);
    await once(stream, 'continue');
    stream.end('now');
    expect((await answer).status).toBe(200);
    expect(String(upstream.requests.at(-1)!.body)).toBe('now');
  });

  it('is held to the limits of bodies, heads and targets', async () => {
    expect((await ask(client, '/small', { ':method': 'PUT' }, 'x'.repeat(2000))).status).toBe(413);
    expect((await ask(client, '/small', { ':method': 'PUT', 'content-length': 2000 }, 'x'.repeat(2000))).status).toBe(
      413,
    );
    expect((await ask(client, '/', { 'x-large': 'x'.repeat(9000) })).status).toBe(431);
    expect((await ask(client, `/${'x'.repeat(5000)}`)).status).toBe(414);
  });

  it('is ended when its body does not arrive in time', async () => {
    const stream = client.request({ ':path': '/slow', ':method': 'PUT' });
    stream.write('half');
    expect((await answerTo(stream)).status).toBe(408);
  });

  it('is given up upstream when the client cancels it', async () => {
    const gone = new Promise<void>((resolve) => {
      upstreamDoes = (req) => req.socket.on('close', () => resolve());
    });
    const before = upstream.requests.length;
    const stream = client.request({ ':path': '/cancel' });
    while (upstream.requests.length === before) await new Promise(setImmediate);
    stream.close(8);
    await gone;
    expect((await ask(client, '/fixed')).status).toBe(200);
  });
});

describe('a route with a cache', () => {
  it('answers streams that ask the same with one request, and later ones from what is stored', async () => {
    let asked = 0;
    let release = (): void => undefined;
    const first = new Promise<void>((resolve) => {
      upstreamDoes = (_req, res) => {
        asked++;
        release = () => void res.writeHead(200, { etag: '"a"' }).end('once');
        resolve();
      };
    });
    const answers = [ask(client, '/cached')];
    await first;
    for (let i = 0; i < 9; i++) answers.push(ask(client, '/cached'));
    await ask(client, '/fixed');
    release();
    expect((await Promise.all(answers)).map(({ status, body }) => `${status} ${body}`)).toEqual(
      Array.from({ length: 10 }, () => '200 once'),
    );
    const known = await ask(client, '/cached', { 'if-none-match': '"a"' });
    expect([known.status, known.headers['cache-status']]).toEqual([304, expect.stringMatching(/^Aegis; hit/)]);
    const head = await ask(client, '/cached', { ':method': 'HEAD' });
    expect([head.headers['content-length'], head.headers['age'], head.body]).toEqual([
      '4',
      expect.stringMatching(/^\d+$/),
      '',
    ]);
    expect(asked).toBe(1);
  });
});

describe('stopping', () => {
  it('finishes what is under way and says GOAWAY', async () => {
    const other = await spawnGateway({
      env: { DATABASE_URL: database.url },
      scheme: 'https',
      config: {
        gateway: {
          tls: { ...server, http2: true },
          upstreams: [{ name: 'main', targets: [upstream.url] }],
          routes: [{ path: '/', upstream: 'main' }],
        },
      },
    });
    let finish: ServerResponse | undefined;
    upstreamDoes = (_req, res) => (finish = res);
    const session = await http2Client(other.port);
    const idle = await http2Client(other.port);
    const answer = ask(session, '/last');
    while (finish === undefined) await new Promise(setImmediate);
    const told = [once(session, 'goaway'), once(idle, 'close')];
    const stopped = other.stop();
    await Promise.all(told);
    finish.end('done');
    expect((await answer).body).toBe('done');
    expect((await stopped).code).toBe(0);
  });
});
