import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** Each test says what the upstream does with its next request. */
let upstreamDoes: Handler = (_req, res) => void res.end('ok');
let upstream: Server;
let database: TestDatabase;
let gateway: SpawnedGateway;

beforeAll(async () => {
  upstream = createServer((req, res) => upstreamDoes(req, res));
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  const dead = await deadPort();
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        limits: { body: '2gb', requestTimeout: '3s' },
        upstreams: [
          { name: 'main', targets: [`http://127.0.0.1:${port}`], retry: 'off' },
          { name: 'slow', targets: [`http://127.0.0.1:${port}`], retry: 'off', timeouts: { response: '500ms' } },
          { name: 'dead', targets: [`http://127.0.0.1:${dead}`], retry: 'off', breaker: 'off' },
        ],
        routes: [
          { path: '/dead', upstream: 'dead' },
          { path: '/slow', upstream: 'slow' },
          { path: '/small', upstream: 'main', limits: { body: '1kb' } },
          { path: '/stripped/deep', upstream: 'main', rewrite: { stripPrefix: '/stripped', prefix: '/v2' } },
          { path: '/', methods: ['GET', 'HEAD', 'POST', 'PUT'], upstream: 'main' },
        ],
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  upstream.closeAllConnections();
  upstream.close();
  await database.drop();
});

async function deadPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Sends bytes as they are and returns what came until the connection was closed. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(gateway.port, '127.0.0.1');
  let received = '';
  socket.on('data', (data: Buffer) => (received += data.toString('latin1')));
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return received;
}

function echoHead(req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  req.on('end', () =>
    res.end(JSON.stringify({ url: req.url, method: req.method, headers: req.headers, raw: req.rawHeaders })),
  );
}

interface Seen {
  url: string;
  method: string;
  headers: Record<string, string | undefined>;
  raw: string[];
}

async function seen(path: string, init: RequestInit = {}): Promise<Seen> {
  upstreamDoes = echoHead;
  return (await (await fetch(gateway.url + path, init)).json()) as Seen;
}

describe('what the upstream sees', () => {
  it('is the normalised path, the query as it was, and the host of the client', async () => {
    upstreamDoes = echoHead;
    const answer = await raw(
      'GET /a//b/./c/../%7Euser/%2fx?q=%7E&r HTTP/1.1\r\nHost: shop.example:81\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain('"url":"/a/b/~user/%2Fx?q=%7E&r"');
    expect(answer).toContain('"host":"shop.example:81"');
  });

  it('has a request id, a trace and where the request came from', async () => {
    const { headers } = await seen('/ids');
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': `127.0.0.1:${gateway.port}`,
      'x-forwarded-port': String(gateway.port),
      via: '1.1 aegis',
    });
  });

  it("keeps the client's request id and trace when they are well formed", async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const { headers } = await seen('/ids', {
      headers: { 'x-request-id': 'mine_1', traceparent: `00-${trace}-00f067aa0ba902b7-01`, tracestate: 'a=1' },
    });
    expect(headers['x-request-id']).toBe('mine_1');
    expect(headers['traceparent']).toMatch(new RegExp(`^00-${trace}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
    expect(headers['tracestate']).toBe('a=1');
    const forged = await seen('/ids', { headers: { 'x-request-id': 'a b', traceparent: '00-nonsense-01' } });
    expect(forged.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(forged.headers['traceparent']).not.toContain('nonsense');
  });

  it('has nothing by which a client could pretend to be Aegis or a proxy', async () => {
    const { headers } = await seen('/forged', {
      headers: {
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-proto': 'https',
        'x-forwarded-server': 'x',
        forwarded: 'for=6.6.6.6',
        'x-real-ip': '6.6.6.6',
        'x-consumer-name': 'admin',
        'x-consumer-roles': 'admin',
      },
    });
    expect(headers['x-forwarded-for']).toBe('127.0.0.1');
    expect(headers['x-forwarded-proto']).toBe('http');
    for (const name of ['x-forwarded-server', 'forwarded', 'x-real-ip', 'x-consumer-name', 'x-consumer-roles']) {
      expect(headers[name]).toBeUndefined();
    }
  });

  it('has no hop-by-hop fields, nor those that Connection names', async () => {
    upstreamDoes = echoHead;
    const answer = await raw(
      'GET /hop HTTP/1.1\r\nHost: x\r\nConnection: close, X-Hop, X-Request-Id\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\nX-Kept: 2\r\n\r\n',
    );
    const body = answer.slice(answer.indexOf('{'));
    expect(body).toContain('"x-kept":"2"');
    for (const gone of ['x-hop', 'keep-alive":"5', 'proxy-connection', '"te"']) expect(body).not.toContain(gone);
    expect(body).toContain('"x-request-id"');
  });

  it('is rewritten as the route says', async () => {
    const { url, headers } = await seen('/stripped/deep/er?x=1');
    expect(url).toBe('/v2/deep/er?x=1');
    expect(headers['x-forwarded-prefix']).toBe('/stripped');
  });

  it('is the body of the client, with its length or in chunks', async () => {
    let framing: unknown;
    upstreamDoes = (req, res) => {
      framing = [req.headers['content-length'], req.headers['transfer-encoding']];
      req.pipe(res);
    };
    const length = await fetch(`${gateway.url}/echo`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect((await length.text()).length).toBe(100_000);
    expect(framing).toEqual(['100000', undefined]);
    const answer = await raw(
      'POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=1\r\nde\r\n0\r\n\r\n',
    );
    expect(framing).toEqual([undefined, 'chunked']);
    expect(answer).toContain('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');
  });
});

describe('what the client sees', () => {
  it('is the response of the upstream with the request id, without hop-by-hop fields', async () => {
    upstreamDoes = (_req, res) => {
      res.writeHead(201, 'Made', { 'X-Up': '1', 'X-Hop': '2', Connection: 'X-Hop', 'Set-Cookie': ['a=1', 'b=2'] });
      res.end('made');
    };
    const response = await fetch(`${gateway.url}/made`);
    expect([response.status, response.statusText, await response.text()]).toEqual([201, 'Made', 'made']);
    expect(response.headers.get('x-up')).toBe('1');
    expect(response.headers.get('x-hop')).toBeNull();
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is right for HEAD, 204, 304, trailers and responses without a length', async () => {
    upstreamDoes = (_req, res) => res.writeHead(200, { 'Content-Length': '123' }).end();
    const head = await fetch(`${gateway.url}/head`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('123');
    for (const status of [204, 304]) {
      upstreamDoes = (_req, res) => res.writeHead(status).end();
      expect((await fetch(`${gateway.url}/empty`)).status).toBe(status);
    }
    upstreamDoes = (_req, res) => {
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('part');
      res.addTrailers({ 'X-Sum': '42' });
      res.end();
    };
    const req = request(`${gateway.url}/trailers`).end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    res.resume();
    await once(res, 'end');
    expect(res.trailers).toEqual({ 'x-sum': '42' });
  });

  it('has each piece of a stream as soon as the upstream has sent it', async () => {
    let next: () => void = () => undefined;
    upstreamDoes = (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.write('data: 1\n\n');
      next = () => void res.end('data: 2\n\n');
    };
    const response = await fetch(`${gateway.url}/events`);
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value).toString()).toBe('data: 1\n\n');
    next();
    expect(Buffer.from((await reader.read()).value).toString()).toBe('data: 2\n\n');
  });

  it('gets 100 Continue for a body it announces, and 103 as it comes', async () => {
    upstreamDoes = (req, res) => {
      res.writeEarlyHints({ link: '</a.css>; rel=preload' });
      req.resume();
      req.on('end', () => res.end('done'));
    };
    const req = request(`${gateway.url}/expect`, {
      method: 'PUT',
      headers: { expect: '100-continue', 'content-length': 2 },
    });
    req.flushHeaders();
    const informed: number[] = [];
    req.on('information', ({ statusCode }: { statusCode: number }) => informed.push(statusCode));
    await once(req, 'continue');
    req.end('ok');
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    expect(res.statusCode).toBe(200);
    expect(informed).toEqual([100, 103]);
    res.resume();
  });
});

describe('refusals and failures are problems', () => {
  async function problemOf(path: string, init?: RequestInit): Promise<Record<string, unknown>> {
    const response = await fetch(gateway.url + path, init);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem = (await response.json()) as Record<string, unknown>;
    expect(problem['status']).toBe(response.status);
    expect(problem['requestId']).toBe(response.headers.get('x-request-id'));
    return { ...problem, allow: response.headers.get('allow') };
  }

  it('405 with the methods that are taken', async () => {
    expect(await problemOf('/anything', { method: 'DELETE' })).toMatchObject({
      status: 405,
      code: 'method_not_allowed',
      allow: 'GET, HEAD, POST, PUT',
    });
  });

  it('502 when nobody listens', async () => {
    expect(await problemOf('/dead')).toMatchObject({ status: 502, code: 'upstream_unreachable', instance: '/dead' });
  });

  it('502 when the upstream breaks off before its head, and when it does not speak HTTP', async () => {
    upstreamDoes = (req) => req.socket.destroy();
    expect(await problemOf('/reset')).toMatchObject({ status: 502, code: 'upstream_reset' });
    upstreamDoes = (req) => req.socket.end('SSH-2.0\r\n\r\n');
    expect(await problemOf('/ssh')).toMatchObject({ status: 502, code: 'upstream_reset' });
  });

  it('504 when the upstream does not answer in time', async () => {
    upstreamDoes = () => undefined;
    expect(await problemOf('/slow')).toMatchObject({ status: 504, code: 'upstream_timeout' });
  });

  it('413 for a body that is too large, told by its length or by its chunks', async () => {
    upstreamDoes = echoHead;
    expect(await problemOf('/small', { method: 'POST', body: 'x'.repeat(2000) })).toMatchObject({
      code: 'body_too_large',
    });
    const chunk = `7d0\r\n${'x'.repeat(2000)}\r\n`;
    const answer = await raw(`POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*body_too_large/s);
  });

  it('414 and 431 for what is too long, 400 for what is not HTTP', async () => {
    expect(await problemOf(`/${'x'.repeat(9000)}`)).toMatchObject({ status: 414, code: 'uri_too_long' });
    expect(await problemOf('/', { headers: { big: 'x'.repeat(17_000) } })).toMatchObject({ code: 'headers_too_large' });
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nBig: ${'x'.repeat(40_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 .*headers_too_large/s,
    );
    expect(await raw('GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 .*bad_request/s,
    );
    expect(await raw('NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*bad_request/s);
  });

  it('408 for a body that does not come', async () => {
    upstreamDoes = echoHead;
    const answer = await raw('POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
    expect(answer).toMatch(/^HTTP\/1\.1 408 .*request_timeout/s);
  });

  it('never names an address, a file or a stack', async () => {
    const text = JSON.stringify(await problemOf('/dead'));
    expect(text).not.toMatch(/127\.0\.0\.1|\.ts|\.js|at |ECONN/);
  });
});

describe('when one side goes away', () => {
  it('the upstream is told at once that the client has gone, before and after the response began', async () => {
    for (const begun of [false, true]) {
      const closed = new Promise<void>((resolve) => {
        upstreamDoes = (_req, res) => {
          if (begun) res.write('x');
          res.on('close', resolve);
        };
      });
      const arrived = once(upstream, 'request');
      const socket = connect(gateway.port, '127.0.0.1');
      socket.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n');
      await arrived;
      if (begun) await once(socket, 'data');
      socket.destroy();
      await closed;
    }
  });

  it('the upstream is told that an upload was broken off', async () => {
    const broken = new Promise<void>((resolve) => {
      upstreamDoes = (req) => {
        req.on('error', () => resolve());
        req.resume();
      };
    });
    const arrived = once(upstream, 'request');
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write('POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\npart');
    await arrived;
    socket.destroy();
    await broken;
  });

  it('the client sees that the upstream died in the middle, with a length and without', async () => {
    for (const headers of [{ 'Content-Length': '100' }, {}]) {
      upstreamDoes = (_req, res) => {
        res.writeHead(200, headers);
        res.write('part', () => res.socket?.destroy());
      };
      const response = await fetch(`${gateway.url}/half`);
      await expect(response.text()).rejects.toThrow();
    }
  });
});

describe('a WebSocket upgrade', () => {
  beforeAll(() => {
    upstream.on('upgrade', (req: IncomingMessage, socket: Socket) => {
      if (req.url === '/refused') {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
        return;
      }
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nhello ',
      );
      socket.pipe(socket);
      socket.on('error', () => undefined);
    });
  });

  const HEAD =
    'HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

  it('passes, and then whatever is said, until one side closes', async () => {
    const socket = connect(gateway.port, '127.0.0.1');
    let received = '';
    socket.on('data', (data: Buffer) => (received += data.toString()));
    socket.write(`GET /ws ${HEAD}early `);
    while (!received.endsWith('early ')) await once(socket, 'data');
    socket.write('and late');
    while (!received.endsWith('and late')) await once(socket, 'data');
    expect(received).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\nhello early and late$/s);
    socket.end();
    await once(socket, 'close');
  });

  it('that the upstream refuses is an ordinary answer', async () => {
    expect(await raw(`GET /refused ${HEAD}`)).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n.*\r\n\r\nno$/s);
  });

  it('that no upstream takes is a problem', async () => {
    expect(await raw(`GET /dead ${HEAD}`)).toMatch(/^HTTP\/1\.1 502 .*upstream_unreachable/s);
  });

  it('to another protocol is not made, and the request is answered', async () => {
    upstreamDoes = echoHead;
    const answer = await raw(
      'GET /h2c HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).not.toContain('"upgrade"');
  });
});
