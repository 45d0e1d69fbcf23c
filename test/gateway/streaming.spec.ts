import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventSource } from 'eventsource';
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';
import { Wire } from '../security/wire.js';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

let upstreamDoes: Handler = (_req, res) => void res.end('ok');
let asked: IncomingMessage[] = [];
let upstream: Server;
let database: TestDatabase;
let gateway: SpawnedGateway;

beforeAll(async () => {
  upstream = createServer((req, res) => {
    asked.push(req);
    upstreamDoes(req, res);
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  database = await (await startPostgres()).createDatabase();
  const timeouts = { response: '20s', idle: '2s' };
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        limits: { headersTimeout: '1s', requestTimeout: '1s', keepAlive: '1s' },
        upstreams: [{ name: 'main', targets: [`http://127.0.0.1:${port}`], breaker: 'off', health: 'off', timeouts }],
        routes: [
          { path: '/fixed', respond: { status: 200, body: 'fixed' } },
          { path: '/', upstream: 'main' },
        ],
      },
    },
  });
}, 60_000);

beforeEach(() => {
  asked = [];
});

afterAll(async () => {
  upstream.closeAllConnections();
  upstream.close();
  await gateway.stop();
  await database.drop();
});

/** As long as a connection may be idle: until the gateway has closed one for that. */
async function lull(): Promise<void> {
  const wire = await Wire.open(gateway.port);
  wire.send('GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n');
  await wire.ended();
}

/** What an EventSource hears, one after the other. */
class Listener {
  readonly source = new EventSource(`${gateway.url}/events`);
  private readonly heard: string[] = [];
  private wake: () => void = () => undefined;

  constructor() {
    this.source.onmessage = ({ data, lastEventId }) => {
      this.heard.push(`${lastEventId}=${String(data)}`);
      this.wake();
    };
  }

  async next(): Promise<string> {
    for (;;) {
      const next = this.heard.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

/** Streams of events, one for each time that somebody asked. */
function streams(): ServerResponse[] {
  const open: ServerResponse[] = [];
  upstreamDoes = (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write('retry: 10\n\n');
    open.push(res);
  };
  return open;
}

describe('an EventSource', () => {
  it('hears each event when it is sent, uncompressed, and asks for what it has missed', async () => {
    const open = streams();
    const listener = new Listener();
    await once(listener.source, 'open');
    expect(asked[0]?.headers['accept-encoding']).toContain('gzip');
    for (const id of [1, 2, 3]) {
      // The next one is sent when this one was heard: nothing is held back on the way.
      open[0]?.write(`id: ${id}\ndata: ${'x'.repeat(2000)}${id}\n\n`);
      expect(await listener.next()).toBe(`${id}=${'x'.repeat(2000)}${id}`);
    }
    open[0]?.end();
    while (asked.length < 2) await once(upstream, 'request');
    expect(asked[1]?.headers['last-event-id']).toBe('3');
    open[1]?.write('id: 4\ndata: after\n\n');
    expect(await listener.next()).toBe('4=after');
    const gone = once(open[1]!, 'close');
    listener.source.close();
    await gone;
  });

  it('stays for as long as there are heartbeats, and comes again when there are none', async () => {
    const open = streams();
    const listener = new Listener();
    await once(listener.source, 'open');
    const heart = setInterval(() => open[0]?.write(':\n\n'), 100);
    for (let i = 0; i < 3; i++) await lull();
    open[0]?.write('id: 1\ndata: still the first\n\n');
    expect(await listener.next()).toBe('1=still the first');
    expect(asked).toHaveLength(1);
    clearInterval(heart);
    while (asked.length < 2) await once(upstream, 'request');
    expect(asked[1]?.headers['last-event-id']).toBe('1');
    listener.source.close();
  });

  it('is not compressed where a page of the same size is', async () => {
    const page = 'a page\n'.repeat(1000);
    const encodings: (string | undefined)[] = [];
    for (const type of ['text/plain', 'text/event-stream']) {
      upstreamDoes = (_req, res) => void res.writeHead(200, { 'Content-Type': type }).end(page);
      const asking = get(`${gateway.url}/page`, { headers: { 'Accept-Encoding': 'gzip' } });
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      answer.resume();
      encodings.push(answer.headers['content-encoding']);
    }
    expect(encodings).toEqual(['gzip', undefined]);
  });
});

describe('a long poll', () => {
  it('waits for longer than a connection may be idle, and the next one goes on the same connection', async () => {
    const waiting: ServerResponse[] = [];
    upstreamDoes = (_req, res) => void waiting.push(res);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 2; i++) {
      const asking = get(`${gateway.url}/poll`, { agent });
      const answered = once(asking, 'response');
      while (waiting.length <= i) await once(upstream, 'request');
      await lull();
      waiting[i]?.end(`news ${i}`);
      const [answer] = (await answered) as [IncomingMessage];
      ports.add(answer.socket.localPort);
      expect(await text(answer)).toBe(`news ${i}`);
    }
    expect(ports.size).toBe(1);
    agent.destroy();
  });
});

describe('one connection', () => {
  it('stays in step over HEAD, 204, 304, trailers, hints and an early answer that are asked for in one breath', async () => {
    upstreamDoes = (req, res) => {
      const fields = { ETag: '"x"', 'Content-Length': '1000' };
      if (req.method === 'HEAD') res.writeHead(200, fields).end();
      else if (req.url === '/304') res.writeHead(304, fields).end();
      else if (req.url === '/204') res.writeHead(204, { ETag: '"x"' }).end();
      else if (req.url === '/trailers') {
        res.writeHead(200, { Trailer: 'X-Sum' });
        res.write('body');
        res.addTrailers({ 'X-Sum': '42' });
        res.end();
      } else {
        res.writeEarlyHints({ link: '</style.css>; rel=preload' });
        res.end('hinted');
      }
    };
    const wire = await Wire.open(gateway.port);
    const asks = ['HEAD /head', 'GET /204', 'GET /304', 'GET /trailers', 'GET /hinted'];
    wire.send(asks.map((ask) => `${ask} HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n`).join(''));
    await wire.receives('hinted');
    wire.destroy();
    const heads = wire.received.match(/HTTP\/1\.1 \d+/g);
    expect(heads).toEqual([200, 204, 304, 200, 103, 200].map((status) => `HTTP/1.1 ${status}`));
    const [head, none, same, trailers, hints] = wire.received.split(/(?=HTTP\/1\.1 \d)/);
    expect(head).toMatch(/Content-Length: 1000\r\n/);
    expect(none).not.toMatch(/Content-Length|Transfer-Encoding/);
    expect(same).toMatch(/ETag: "x"\r\n/);
    expect([head, none, same].map((text) => text?.split('\r\n\r\n')[1])).toEqual(['', '', '']);
    expect(trailers).toMatch(/4\r\nbody\r\n0\r\nX-Sum: 42\r\n\r\n$/);
    expect(hints).toMatch(/^HTTP\/1\.1 103 .*\r\nLink: <\/style\.css>; rel=preload\r\n\r\n$/s);
  });
});

describe('a client of HTTP/1.0', () => {
  const ask = (path: string, field = ''): string => `GET ${path} HTTP/1.0\r\nHost: h\r\n${field}\r\n`;

  it('keeps its connection where it asks for that and the length is known', async () => {
    upstreamDoes = (req, res) => void res.writeHead(200, { 'Content-Length': 5 }).end(req.url);
    const wire = await Wire.open(gateway.port);
    wire.send(ask('/once', 'Connection: keep-alive\r\n'));
    await wire.receives('/once');
    expect(wire.received).toMatch(/\r\nConnection: keep-alive\r\n/i);
    wire.send(ask('/last'));
    await wire.ended();
    expect(wire.received).toMatch(/\r\n\r\n\/last$/);
  });

  it('gets what has no length to the end of the connection: no chunks, no hints, no trailers', async () => {
    upstreamDoes = (_req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' });
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('one ');
      res.addTrailers({ 'X-Sum': '42' });
      res.end('two');
    };
    const wire = await Wire.open(gateway.port);
    wire.send(ask('/stream', 'Connection: keep-alive\r\n'));
    await wire.ended();
    expect(wire.received).toMatch(/^HTTP\/1\.1 200 /);
    expect(wire.received).not.toMatch(/Transfer-Encoding|X-Sum: 42| 103 /i);
    expect(wire.received).toMatch(/\r\n\r\none two$/);
  });
});
