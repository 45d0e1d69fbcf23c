import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import {
  type ClientHttp2Session,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo } from 'node:net';
import {
  scratchFolder,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';
import { makeCertificate } from './http2/certificate.js';
import { answerTo, ask, http2Client } from './http2/client.js';

type Does = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A target that speaks HTTP/2 only; each test says what it does with its next requests. */
class Target {
  does: Does = (stream) => answer(stream, 'ok');
  readonly sessions = new Set<ServerHttp2Session>();
  streams = 0;

  constructor(readonly server: Http2Server) {
    server.on('session', (session: ServerHttp2Session) => {
      this.sessions.add(session);
      session.on('error', () => undefined);
      session.on('close', () => this.sessions.delete(session));
    });
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      this.streams++;
      stream.on('error', () => undefined);
      this.does(stream, headers);
    });
    server.on('sessionError', () => undefined);
  }

  async listen(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const session of this.sessions) session.destroy();
    this.server.close();
  }
}

function answer(stream: ServerHttp2Stream, body: string): void {
  stream.resume();
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 });
    stream.end(body);
  });
}

let plain: Target;
let secure: Target;
let narrow: Target;
let old: Awaited<ReturnType<typeof startUpstream>>;
let database: TestDatabase;
let gateway: SpawnedGateway;
let inside: SpawnedGateway;
let client: ClientHttp2Session;
const folder = scratchFolder('http2-upstreams');
const certificate = makeCertificate(folder, 'localhost');

beforeAll(async () => {
  const identity = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
  plain = await new Target(createServer()).listen();
  secure = await new Target(createSecureServer(identity)).listen();
  narrow = await new Target(createServer({ settings: { maxConcurrentStreams: 2 } })).listen();
  old = await startUpstream();
  database = await (await startPostgres()).createDatabase();
  const common = { http2: true, breaker: 'off', health: 'off' };
  const config = {
    gateway: {
      limits: { body: '64mb' },
      upstreams: [
        { name: 'plain', targets: [`http://127.0.0.1:${plain.port}`], ...common },
        { name: 'hurried', targets: [`http://127.0.0.1:${plain.port}`], ...common, timeouts: { response: '1s' } },
        {
          name: 'secure',
          targets: [`https://127.0.0.1:${secure.port}`],
          tls: { ca: certificate.cert, serverName: 'localhost' },
          ...common,
        },
        { name: 'narrow', targets: [`http://127.0.0.1:${narrow.port}`], ...common },
        { name: 'old', targets: [old.url], ...common, retry: 'off' },
        { name: 'only-http1', targets: [old.url] },
      ],
      routes: ['secure', 'narrow', 'old', 'only-http1']
        .map((name) => ({ path: `/${name}`, upstream: name }))
        .concat({ path: '/hangs', upstream: 'hurried' }, { path: '/', upstream: 'plain' }),
    },
  };
  [inside, gateway] = await Promise.all([
    spawnGateway({ env: { DATABASE_URL: database.url }, config }),
    spawnGateway({
      env: { DATABASE_URL: database.url },
      scheme: 'https',
      config: { gateway: { ...config.gateway, tls: { ...certificate, http2: true } } },
    }),
  ]);
  client = await http2Client(gateway.port);
}, 90_000);

afterAll(async () => {
  client.destroy();
  await Promise.all([gateway.stop(), inside.stop()]);
  for (const target of [plain, secure, narrow]) target.close();
  await old.stop();
  await database.drop();
});

/** A request of HTTP/1.1. */
async function askOld(options: RequestOptions, body?: string, trailers: NodeJS.Dict<string> = {}) {
  const req = request({ port: inside.port, agent: false, ...options });
  if (body !== undefined) req.write(body);
  req.addTrailers(trailers);
  req.end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of res) text += String(piece);
  return { status: res.statusCode, text, headers: res.headers, trailers: res.trailers };
}

describe('a target that is asked by HTTP/2', () => {
  it('sees what one of HTTP/1.1 would see, whatever the client speaks', async () => {
    let seen: IncomingHttpHeaders = {};
    plain.does = (stream, headers) => {
      seen = headers;
      answer(stream, 'ok');
    };
    const common = {
      ':method': 'GET',
      ':path': '/a?q=1',
      ':scheme': 'http',
      te: 'trailers',
      'x-forwarded-for': expect.any(String),
      traceparent: expect.any(String),
    };
    expect((await askOld({ path: '/a?q=1', headers: { Connection: 'x-hop', 'X-Hop': '1', Cookie: 'a=1' } })).text).toBe(
      'ok',
    );
    expect(seen).toMatchObject({
      ...common,
      ':authority': `localhost:${inside.port}`,
      via: '1.1 aegis',
      cookie: 'a=1',
    });
    expect(seen).not.toHaveProperty('x-hop');
    expect(seen).not.toHaveProperty('connection');
    expect((await ask(client, '/a?q=1')).body).toBe('ok');
    expect(seen).toMatchObject({ ...common, via: '2.0 aegis' });
  });

  it('is spoken to over TLS when it chooses HTTP/2', async () => {
    expect((await ask(client, '/secure')).body).toBe('ok');
  });

  it('gets many requests on one connection, and no more at a time than it allows', async () => {
    plain.does = (stream) => answer(stream, 'ok');
    await Promise.all(Array.from({ length: 40 }, async () => await ask(client, '/many')));
    expect(plain.sessions.size).toBeLessThanOrEqual(2);
    let most = 0;
    narrow.does = (stream) => {
      const open = openOn(stream.session as ServerHttp2Session);
      most = Math.max(most, open);
      setImmediate(() => answer(stream, 'ok'));
    };
    const answers = await Promise.all(Array.from({ length: 12 }, async () => await ask(client, '/narrow')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(most).toBeLessThanOrEqual(2);
  });

  it('that speaks HTTP/1.1 only is told apart', async () => {
    const { status, body } = await ask(client, '/old');
    expect(status).toBe(502);
    expect(JSON.parse(body)).toMatchObject({
      code: 'upstream_unreachable',
      detail: 'The target does not speak HTTP/2, which its upstream is set to.',
    });
    expect(old.requests).toEqual([]);
  });
});

const opened = new WeakMap<ServerHttp2Session, number>();
function openOn(session: ServerHttp2Session): number {
  const count = (opened.get(session) ?? 0) + 1;
  opened.set(session, count);
  setImmediate(() => opened.set(session, (opened.get(session) ?? 1) - 1));
  return count;
}

describe('cookies', () => {
  it('of a response pass, but for those of the console, which are not for upstreams to set', async () => {
    plain.does = (stream) => {
      stream.respond({ ':status': 200, 'set-cookie': ['aegis_session=evil', 'a=b', '__Host-aegis_login=evil'] });
      stream.end();
    };
    expect((await ask(client, '/c')).headers['set-cookie']).toEqual(['a=b']);
  });
});

describe('trailers', () => {
  it('of a response pass in all directions', async () => {
    plain.does = (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
      stream.end('body');
    };
    expect(await ask(client, '/t')).toMatchObject({ body: 'body', trailers: { 'x-sum': '42' } });
    expect(await askOld({ path: '/t' })).toMatchObject({ text: 'body', trailers: { 'x-sum': '42' } });
  });

  it('of a request pass, from HTTP/2 and from chunks, without what would pretend to be Aegis', async () => {
    let trailers: IncomingHttpHeaders = {};
    plain.does = (stream) => {
      stream.on('trailers', (fields: IncomingHttpHeaders) => (trailers = fields));
      answer(stream, 'ok');
    };
    const stream = client.request({ ':path': '/t', ':method': 'POST' }, { waitForTrailers: true });
    stream.on('wantTrailers', () =>
      stream.sendTrailers({ 'x-sum': '1', 'x-consumer-name': 'admin', authorization: 'x' }),
    );
    stream.end('body');
    expect((await answerTo(stream)).status).toBe(200);
    expect(Object.entries(trailers)).toEqual([['x-sum', '1']]);
    await askOld({ path: '/t', method: 'POST', headers: { Trailer: 'X-Sum' } }, 'body', { 'X-Sum': '2' });
    expect(Object.entries(trailers)).toEqual([['x-sum', '2']]);
  });

  it('alone, with the head, stay one frame', async () => {
    plain.does = (stream) => stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true });
    expect(await ask(client, '/t')).toMatchObject({ headOnly: true, headers: { 'grpc-status': '5' } });
  });
});

describe('bodies', () => {
  it('of any size pass both ways, with back-pressure', async () => {
    plain.does = (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    };
    const body = Buffer.alloc(8_000_000, 'z');
    const echoed = await ask(client, '/echo', { ':method': 'POST' }, body);
    expect(echoed.body.length).toBe(body.length);
    const { text } = await askOld({ path: '/echo', method: 'POST' }, body.toString());
    expect(text.length).toBe(body.length);
  });

  it('that are cut off, or shorter than announced, are cut off for the client too', async () => {
    plain.does = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('some', () => stream.session?.destroy());
    };
    await expect(ask(client, '/cut')).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
    await expect(askOld({ path: '/cut' })).rejects.toThrow();
    plain.does = (stream) => {
      stream.respond({ ':status': 200, 'content-length': 100 });
      stream.end('some');
    };
    await expect(ask(client, '/cut')).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
    await expect(askOld({ path: '/cut' })).rejects.toThrow();
  });
});

describe('a connection that goes', () => {
  it('takes no request with it when the target says GOAWAY', async () => {
    plain.does = (stream) => answer(stream, 'ok');
    let answered = 0;
    for (let round = 0; round < 10; round++) {
      const answers = Array.from({ length: 10 }, async (_, i) => {
        const method = i % 2 === 0 ? 'POST' : 'GET';
        const { status } = await ask(client, '/away', { ':method': method }, i % 2 === 0 ? 'x' : undefined);
        if (status === 200) answered++;
      });
      for (const session of plain.sessions) session.close();
      await Promise.all(answers);
    }
    expect(answered).toBe(100);
  });

  it('has a request that was refused sent once more, also a POST', async () => {
    let refused = 0;
    plain.does = (stream) => {
      if (refused++ === 0) stream.close(7);
      else answer(stream, 'second');
    };
    expect(await ask(client, '/refused', { ':method': 'POST' }, 'x')).toMatchObject({ status: 200, body: 'second' });
  });

  it('does not have a POST sent again that may have been read', async () => {
    let posts = 0;
    plain.does = (stream) => {
      posts++;
      stream.session?.destroy();
    };
    expect((await ask(client, '/lost', { ':method': 'POST' }, 'x')).status).toBe(502);
    expect(posts).toBe(1);
  });

  it('is not needed to time out: a hung target is reset and answered for', async () => {
    const reset = new Promise<number>((resolve) => {
      plain.does = (stream) => stream.on('close', () => resolve(stream.rstCode));
    });
    const { status, body } = await ask(client, '/hangs', { ':method': 'POST' }, 'x');
    expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([504, 'upstream_timeout']);
    expect(await reset).toBe(8);
  });

  it('is not given up when a client cancels one request of it', async () => {
    const arrived = new Promise<void>((resolve) => {
      plain.does = (stream) => {
        stream.on('close', () => resolve());
        held.close(8);
      };
    });
    const held = client.request({ ':path': '/cancel' });
    await arrived;
    plain.does = (stream) => answer(stream, 'ok');
    expect((await ask(client, '/after')).body).toBe('ok');
  });
});
