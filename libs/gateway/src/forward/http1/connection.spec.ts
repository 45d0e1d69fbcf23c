import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { type ResponseHandler } from '../target-pool.js';
import { type Http1Connection } from './connection.js';
import { Http1Pool } from './pool.js';
import { type ResponseHead } from './response-head.js';
import { type UpstreamFailure } from './upstream-failure.js';

interface Heard {
  heads: ResponseHead[];
  informational: number[];
  body: string;
  trailers: string[];
  outcome: 'complete' | 'upgraded' | UpstreamFailure;
}

/** A handler that settles when its exchange is over. */
class Listening implements ResponseHandler {
  readonly heads: ResponseHead[] = [];
  readonly informationals: number[] = [];
  body = '';
  connection: Http1Connection | undefined;
  readonly over: Promise<Heard>;
  private settle!: (heard: Heard) => void;

  constructor(private readonly onSent: (connection: Http1Connection) => void = () => undefined) {
    this.over = new Promise((resolve) => (this.settle = resolve));
  }
  sent(connection: Http1Connection): void {
    this.connection = connection;
    this.onSent(connection);
  }
  informational(head: ResponseHead): void {
    this.informationals.push(head.status);
  }
  head(head: ResponseHead): void {
    this.heads.push(head);
  }
  data(piece: Buffer): void {
    this.body += piece.toString('latin1');
  }
  complete(trailers: string[]): void {
    this.done('complete', trailers);
  }
  upgraded(head: ResponseHead, socket: Socket, first: Buffer): void {
    this.heads.push(head);
    this.body += first.toString('latin1');
    socket.destroy();
    this.done('upgraded', []);
  }
  failed(failure: UpstreamFailure): void {
    this.done(failure, []);
  }
  drained(): void {
    /* nothing is sent */
  }
  private done(outcome: Heard['outcome'], trailers: string[]): void {
    this.settle({ heads: this.heads, informational: this.informationals, body: this.body, trailers, outcome });
  }
}

const servers: Server[] = [];
const pools: Http1Pool[] = [];

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
  for (const server of servers.splice(0)) server.close();
});

/** Of which no test comes to the end, and one that comes to each of them. */
const PATIENT = { connect: 20_000, response: 20_000, idle: 20_000 };
const IMPATIENT = { connect: 20_000, response: 300, idle: 300 };

async function target(
  onRequest: (socket: Socket, nth: number) => void,
  timeouts = PATIENT,
): Promise<{ pool: Http1Pool; accepted: () => number }> {
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    let nth = 0;
    socket.on('error', () => undefined);
    socket.on('data', () => onRequest(socket, nth++));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const pool = new Http1Pool({ host: '127.0.0.1', port, tls: null }, timeouts);
  pools.push(pool);
  return { pool, accepted: () => accepted };
}

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

async function get(pool: Http1Pool, listening = new Listening()): Promise<Heard> {
  pool.request('GET', GET, false, listening);
  return listening.over;
}

describe('Http1Connection', () => {
  it('reads a response that arrives byte by byte as it reads one that arrives whole', async () => {
    const wire =
      'HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n';
    const { pool } = await target((socket) => {
      const drip = (at: number): void => {
        if (at < wire.length) socket.write(wire[at] ?? '', () => setImmediate(drip, at + 1));
      };
      drip(0);
    });
    expect(await get(pool)).toMatchObject({
      informational: [103],
      body: 'abc',
      trailers: ['T', '1'],
      outcome: 'complete',
    });
  });

  it('uses a connection again when the response allows it, and not when it does not', async () => {
    const { pool, accepted } = await target((socket, nth) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${nth === 1 ? 'Connection: close\r\n' : ''}\r\nok`);
    });
    for (let i = 0; i < 2; i++) expect(await get(pool)).toMatchObject({ body: 'ok', outcome: 'complete' });
    expect(accepted()).toBe(1);
    await get(pool);
    expect(accepted()).toBe(2);
  });

  it('never carries bytes over to the next exchange', async () => {
    const { pool, accepted } = await target((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    });
    expect((await get(pool)).body).toBe('ok');
    expect((await get(pool)).body).toBe('ok');
    expect(accepted()).toBe(2);
  });

  it('ends a body of unknown length with the connection', async () => {
    const { pool } = await target((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nall of it'));
    expect(await get(pool)).toMatchObject({ body: 'all of it', outcome: 'complete' });
  });

  it('calls a body that ends too early a reset, also when its length is given by chunks', async () => {
    for (const framing of ['Content-Length: 100', 'Transfer-Encoding: chunked']) {
      const { pool } = await target((socket) => socket.end(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhello`));
      expect((await get(pool)).outcome).toMatchObject({ kind: 'reset' });
    }
  });

  it('tells a connection that was closed while it was kept from one that broke', async () => {
    const { pool } = await target((socket, nth) => {
      if (nth === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      else socket.destroy();
    });
    expect((await get(pool)).outcome).toBe('complete');
    expect((await get(pool)).outcome).toMatchObject({ kind: 'stale' });
    const fresh = await target((socket) => socket.destroy());
    expect((await get(fresh.pool)).outcome).toMatchObject({ kind: 'reset' });
  });

  it('says so when nobody listens, when nobody answers, and when the answer stops', async () => {
    const gone = new Http1Pool({ host: '127.0.0.1', port: 1, tls: null }, PATIENT);
    pools.push(gone);
    expect((await get(gone)).outcome).toMatchObject({ kind: 'connect' });
    const silent = await target(() => undefined, IMPATIENT);
    expect((await get(silent.pool)).outcome).toMatchObject({ kind: 'timeout', message: 'no response within 300 ms' });
    const half = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf';
    const stopping = await target((socket) => void socket.write(half), IMPATIENT);
    expect((await get(stopping.pool)).outcome).toMatchObject({ kind: 'timeout', message: 'nothing for 300 ms' });
  });

  it('reads what came while this process was held up before it calls the target late', async () => {
    // In a thread of its own, as it answers while we stand still.
    const thread = new Worker(
      `const { parentPort } = require('node:worker_threads');
       const answer = 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok';
       const server = require('node:net').createServer((socket) => {
         socket.once('data', () => setTimeout(() => socket.write(answer), 100));
       });
       server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
      { eval: true },
    );
    const [port] = (await once(thread, 'message')) as [number];
    const pool = new Http1Pool({ host: '127.0.0.1', port, tls: null }, IMPATIENT);
    pools.push(pool);
    const standStill = (): void => {
      const end = performance.now() + 600;
      while (performance.now() < end);
    };
    // Timers are looked at next after an immediate.
    const heard = await get(pool, new Listening(() => void setTimeout(() => setImmediate(standStill), 20)));
    await thread.terminate();
    expect(heard).toMatchObject({ body: 'ok', outcome: 'complete' });
  });

  it('does not take what is not HTTP for an answer', async () => {
    for (const wire of [
      'SSH-2.0-OpenSSH\r\n\r\n',
      'HTTP/1.1 200 OK\nA: b\n\n\r\n\r\n',
      `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`,
    ]) {
      const { pool } = await target((socket) => socket.write(wire));
      expect((await get(pool)).outcome).toMatchObject({ kind: 'protocol' });
    }
  });

  it('gives the socket away on 101, with what came after the head', async () => {
    const { pool } = await target((socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nfirst'),
    );
    expect(await get(pool)).toMatchObject({ body: 'first', outcome: 'upgraded' });
    expect(pool.connections).toBe(0);
  });

  it('is closed, not kept, when the answer is there before the request is', async () => {
    const { pool, accepted } = await target((socket) =>
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n'),
    );
    const uploading = new Listening((connection) => void connection.write(Buffer.from('part')));
    pool.request('POST', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n', true, uploading);
    expect(await uploading.over).toMatchObject({ outcome: 'complete' });
    expect(pool.connections).toBe(0);
    expect(accepted()).toBe(1);
  });

  it('sends what there is of a body together with the head', async () => {
    const pieces: string[] = [];
    const { pool } = await target((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    servers[0]!.on('connection', (socket: Socket) => socket.on('data', (piece) => pieces.push(piece.toString())));
    await get(pool);
    const head = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
    const posting = new Listening((connection) => {
      connection.writeChunk(Buffer.from('body'));
      connection.end(true);
    });
    pool.request('POST', head, true, posting);
    await posting.over;
    expect(pieces).toEqual([GET, `${head}4\r\nbody\r\n0\r\n\r\n`]);
  });

  it.each([
    ['stale where it was kept', 'stale', 2],
    ['a reset where it is new', 'reset', 1],
  ])('calls an answer that comes before its request has left %s', async (_, kind, nth) => {
    const { pool } = await target((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    for (let i = 1; i < nth; i++) await get(pool);
    const early = new Listening((connection) => {
      connection.received(Buffer.from('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'));
    });
    expect(await get(pool, early)).toMatchObject({ heads: [], outcome: { kind } });
    expect(pool.connections).toBe(0);
  });

  it('hears nothing more after it was aborted', async () => {
    const { pool } = await target((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'));
    let heard = false;
    const listening = new Listening();
    void listening.over.then(() => (heard = true));
    pool.request('GET', GET, false, listening);
    while (listening.body === '') await new Promise(setImmediate);
    listening.connection?.abort();
    expect(pool.connections).toBe(0);
    await new Promise(setImmediate);
    expect(heard).toBe(false);
  });
});
