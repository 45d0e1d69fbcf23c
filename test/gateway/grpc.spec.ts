import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type CallOptions,
  Client,
  credentials,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { scratchFolder, type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';
import { makeCertificate } from './http2/certificate.js';

const text = (value: string): Buffer => Buffer.from(value);
const back = (bytes: Buffer): string => bytes.toString();

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<string, string> {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: text,
    requestDeserialize: back,
    responseSerialize: text,
    responseDeserialize: back,
  };
}

const SERVICE = {
  unary: method('Unary', false, false),
  gather: method('Gather', true, false),
  spread: method('Spread', false, true),
  talk: method('Talk', true, true),
};

/** Resolve when a call that nobody answers has come, and when it is cancelled. */
let arrived: Promise<void>;
let tellArrived: () => void = () => undefined;
let cancelled: Promise<void>;
let tellCancelled: () => void = () => undefined;

const unary: handleUnaryCall<string, string> = (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => {
  const last = new Metadata();
  last.set('x-last', 'trailer');
  if (call.request === 'fail') done({ code: status.NOT_FOUND, details: 'no such thing', metadata: last });
  else if (call.request === 'hang') {
    call.on('cancelled', () => tellCancelled());
    tellArrived();
  } else {
    const first = new Metadata();
    first.set('x-first', String(call.metadata.get('x-sent')[0] ?? ''));
    call.sendMetadata(first);
    done(null, call.request.toUpperCase(), last);
  }
};

const handlers = {
  unary,
  gather: (call: ServerReadableStream<string, string>, done: sendUnaryData<string>) => {
    const heard: string[] = [];
    call.on('data', (piece: string) => heard.push(piece));
    call.on('end', () => done(null, heard.join('+')));
  },
  spread: (call: ServerWritableStream<string, string>) => {
    for (let i = 0; i < Number(call.request); i++) call.write(`piece ${i}`);
    call.end();
  },
  talk: (call: ServerDuplexStream<string, string>) => {
    call.on('data', (piece: string) => call.write(`you said ${piece}`));
    call.on('end', () => call.end());
  },
};

let server: Server;
let database: TestDatabase;
let gateway: SpawnedGateway;
let client: Client;
const certificate = makeCertificate(scratchFolder('grpc'), 'localhost');

beforeAll(async () => {
  server = new Server();
  server.addService(SERVICE, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    scheme: 'https',
    config: {
      gateway: {
        tls: { ...certificate, http2: true },
        upstreams: [
          { name: 'echo', targets: [`http://127.0.0.1:${port}`], http2: true },
          { name: 'gone', targets: ['http://127.0.0.1:1'], http2: true, retry: 'off' },
        ],
        routes: [
          { path: '/test.Echo', upstream: 'echo' },
          { path: '/test.Gone', upstream: 'gone' },
          { path: '/test.Closed', upstream: 'echo', auth: 'required' },
          { path: '/test.Down', respond: { status: 503, body: 'down' } },
        ],
      },
    },
  });
  const trusted = credentials.createSsl(readFileSync(certificate.cert));
  client = new Client(`localhost:${gateway.port}`, trusted);
}, 60_000);

afterAll(async () => {
  client.close();
  server.forceShutdown();
  await gateway.stop();
  await database.drop();
});

interface Answer {
  readonly value: string | undefined;
  readonly error: ServiceError | null;
  readonly first: Metadata;
  readonly last: Metadata;
}

async function callUnary(path: string, value: string, options: CallOptions = {}): Promise<Answer> {
  return await new Promise((resolve) => {
    let first = new Metadata();
    let answer: { value: string | undefined; error: ServiceError | null };
    const sent = new Metadata();
    sent.set('x-sent', 'first');
    const call = client.makeUnaryRequest(path, text, back, value, sent, options, (error, got) => {
      answer = { value: got, error };
    });
    call.on('metadata', (metadata: Metadata) => (first = metadata));
    call.on('status', ({ metadata }) => setImmediate(() => resolve({ ...answer, first, last: metadata })));
  });
}

describe('gRPC through the gateway, TLS before and h2c behind', () => {
  it('answers a unary call, with metadata before and after', async () => {
    const { value, error, first, last } = await callUnary(SERVICE.unary.path, 'hello');
    expect([value, error]).toEqual(['HELLO', null]);
    expect([first.get('x-first'), last.get('x-last')]).toEqual([['first'], ['trailer']]);
  });

  it('hands on a status, its details and its trailers', async () => {
    const { error } = await callUnary(SERVICE.unary.path, 'fail');
    expect(error).toMatchObject({ code: status.NOT_FOUND, details: 'no such thing' });
    expect(error!.metadata.get('x-last')).toEqual(['trailer']);
  });

  it('hands on an answer that is trailers only', async () => {
    const { error } = await callUnary('/test.Echo/Missing', 'x');
    expect(error).toMatchObject({ code: status.UNIMPLEMENTED });
    expect(error!.details).toContain('Missing');
  });

  it('streams from the client', async () => {
    const gathered = new Promise((resolve) => {
      const call = client.makeClientStreamRequest(SERVICE.gather.path, text, back, (error, value) => {
        resolve(error ?? value);
      });
      for (const piece of ['a', 'b', 'c']) call.write(piece);
      call.end();
    });
    expect(await gathered).toBe('a+b+c');
  });

  it('streams from the server', async () => {
    const call = client.makeServerStreamRequest(SERVICE.spread.path, text, back, '1000');
    const heard: string[] = [];
    call.on('data', (piece: string) => heard.push(piece));
    const [{ code }] = (await once(call, 'status')) as [{ code: number }];
    expect([code, heard.length, heard.at(-1)]).toEqual([status.OK, 1000, 'piece 999']);
  });

  it('streams both ways at once, each message as it is said', async () => {
    const call = client.makeBidiStreamRequest(SERVICE.talk.path, text, back);
    for (const piece of ['one', 'two', 'three']) {
      call.write(piece);
      expect(await once(call, 'data')).toEqual([`you said ${piece}`]);
    }
    const ended = once(call, 'status');
    call.end();
    call.resume();
    expect(await ended).toMatchObject([{ code: status.OK }]);
  });

  it('ends a call at its deadline, and the server hears of it', async () => {
    cancelled = new Promise((resolve) => (tellCancelled = resolve));
    // Not before it has come there, or nobody would hear of its end.
    const { error } = await callUnary(SERVICE.unary.path, 'hang', { deadline: Date.now() + 2000 });
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await cancelled;
  });

  it('hands on a cancellation', async () => {
    cancelled = new Promise((resolve) => (tellCancelled = resolve));
    arrived = new Promise((resolve) => (tellArrived = resolve));
    const over = new Promise<ServiceError | null>((resolve) => {
      const call = client.makeUnaryRequest(SERVICE.unary.path, text, back, 'hang', (error) => resolve(error));
      void arrived.then(() => call.cancel());
    });
    expect(await over).toMatchObject({ code: status.CANCELLED });
    await cancelled;
  });
});

describe('what Aegis itself answers', () => {
  it.each([
    ['an upstream that is away', '/test.Gone/Unary', status.UNAVAILABLE],
    ['a route that is down', '/test.Down/Unary', status.UNAVAILABLE],
    ['a missing credential', '/test.Closed/Unary', status.UNAUTHENTICATED],
    ['a path without a route', '/test.Nowhere/Unary', status.UNIMPLEMENTED],
  ])('about %s is a status of gRPC to its clients', async (_what, path, code) => {
    const { error } = await callUnary(path, 'x');
    expect(error?.code).toBe(code);
  });
});
