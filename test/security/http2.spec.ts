import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import {
  type RecordingUpstream,
  scratchFolder,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';
import { makeCertificate } from '../gateway/http2/certificate.js';
import { ask, http2Client } from '../gateway/http2/client.js';
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame,
  FrameWire,
  GOAWAY,
  HEADERS,
  PING,
  RST_STREAM,
  statusOf,
} from './http2/frames.js';

let upstream: RecordingUpstream;
let database: TestDatabase;
let gateway: SpawnedGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    scheme: 'https',
    config: {
      gateway: {
        tls: { ...makeCertificate(scratchFolder('hostile-http2'), 'localhost'), http2: true },
        limits: { headersTimeout: '2s', keepAlive: '2s', requestTimeout: '2s' },
        upstreams: [{ name: 'main', targets: [upstream.url], retry: 'off', breaker: 'off', health: 'off' }],
        routes: [{ path: '/', upstream: 'main' }],
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await database.drop();
});

const GET: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'h'],
  [':path', '/hostile'],
];

function without(name: string): Fields {
  return GET.filter(([each]) => each !== name);
}

function having(name: string, value: string): Fields {
  return GET.map(([each, old]) => [each, each === name ? value : old]);
}

const MALFORMED: readonly (readonly [string, Fields])[] = [
  ['a field of the connection', [...GET, ['connection', 'x-a']]],
  ['a keep-alive', [...GET, ['keep-alive', 'timeout=5']]],
  ['a transfer encoding', [...GET, ['transfer-encoding', 'chunked']]],
  ['an upgrade', [...GET, ['upgrade', 'websocket']]],
  ['a proxy connection', [...GET, ['proxy-connection', 'close']]],
  ['TE for something else than trailers', [...GET, ['te', 'gzip']]],
  ['a name in capitals', [...GET, ['X-Capital', '1']]],
  ['no method', without(':method')],
  ['no path', without(':path')],
  ['no scheme', without(':scheme')],
  ['no authority and no host', without(':authority')],
  ['an empty path', having(':path', '')],
  ['a path that begins with no slash', having(':path', 'hostile')],
  ['a path with a line break', having(':path', '/ HTTP/1.1\r\nHost: x\r\n\r\nGET /smuggled')],
  ['a path with a space', having(':path', '/a b')],
  ['a path with a NUL', having(':path', '/\0')],
  ['a method with a space', having(':method', 'GET /smuggled')],
  ['a method with a line break', having(':method', 'GET\r\nX: y')],
  ['an authority with a line break', having(':authority', 'h\r\nX: y')],
  ['two paths', [...GET, [':path', '/second']]],
  ['two methods', [...GET, [':method', 'POST']]],
  ['a pseudo-header field after an ordinary one', [['x-a', '1'], ...GET]],
  ['an unknown pseudo-header field', [...GET, [':smuggled', '1']]],
  ['a status', [...GET, [':status', '200']]],
  ['a protocol that was not offered', [...having(':method', 'CONNECT'), [':protocol', 'websocket']]],
  ['two lengths that differ', [...GET, ['content-length', '1'], ['content-length', '2']]],
  ['a length of no number', [...GET, ['content-length', '+0']]],
  ['a length and no body', [...GET, ['content-length', '5']]],
];

/** nghttp2 leaves these fields out, and the request goes on without them. */
const LEFT_OUT: readonly (readonly [string, readonly [string, string]])[] = [
  ['a name with a space', ['x a', '1']],
  ['a name with a colon', ['x:a', '1']],
  ['an empty name', ['', '1']],
  ['a line break in a value', ['x-a', '1\r\nX-Consumer-Name: admin']],
  ['a line feed in a value', ['x-a', '1\nx-b: 2']],
  ['a NUL in a value', ['x-a', '1\0']],
];

const REFUSED: readonly (readonly [string, Fields])[] = [
  ['another host in Host', [...GET, ['host', 'other']]],
  ['an authority with a user', having(':authority', 'user@h')],
  ['an authority with a path', having(':authority', 'h/x')],
  [
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', 'h:443'],
    ],
  ],
  ['a method that HTTP/1.1 does not have', having(':method', 'SMUGGLE')],
  ['the method of the preface', having(':method', 'PRI')],
  ['a path above the root', having(':path', '/../x')],
  ['a path with hidden dots', having(':path', '/a/%252e%252e/x')],
  ['a twin of an identity field', [...GET, ['x_consumer_name', 'admin']]],
  ['a twin of a length', [...GET, ['content_length', '5']]],
];

describe('a stream that is no request', () => {
  it.each(MALFORMED)('with %s is reset and seen by nobody', async (_name, fields) => {
    const before = upstream.requests.length;
    const wire = await FrameWire.open(gateway.port);
    wire.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields)));
    const fate = await wire.fateOf(1);
    if (fate?.type === HEADERS) expect(statusOf(fate)).toBe(400);
    wire.destroy();
    expect(upstream.requests.length).toBe(before);
  });
});

describe('a field that is none', () => {
  it.each(LEFT_OUT)('for %s goes no further, nor does what it hides', async (_name, field) => {
    const before = upstream.requests.length;
    const wire = await FrameWire.open(gateway.port);
    wire.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block([...GET, field])));
    await wire.fateOf(1);
    wire.destroy();
    const names = upstream.requests.slice(before).flatMap(({ headers }) => Object.keys(headers));
    expect(names.filter((name) => /^(x[^f-]|x-a|x-b|x-consumer-name|$)/.test(name))).toEqual([]);
  });
});

describe('a request that could be read in two ways', () => {
  it.each(REFUSED)('with %s is answered 400', async (_name, fields) => {
    const before = upstream.requests.length;
    const wire = await FrameWire.open(gateway.port);
    wire.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields)));
    const fate = await wire.fateOf(1);
    if (fate?.type === HEADERS) expect(statusOf(fate)).toBe(400);
    else expect(fate?.type).toBe(RST_STREAM);
    wire.destroy();
    expect(upstream.requests.length).toBe(before);
  });

  it('a body that is longer than its length never becomes two requests', async () => {
    const before = upstream.requests.length;
    const wire = await FrameWire.open(gateway.port);
    const fields: Fields = [...having(':method', 'POST'), ['content-length', '3']];
    wire.send(
      frame(HEADERS, END_HEADERS, 1, block(fields)),
      frame(DATA, END_STREAM, 1, Buffer.from('abcGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n')),
    );
    expect((await wire.fateOf(1))?.type).not.toBe(HEADERS);
    wire.destroy();
    expect(upstream.requests.slice(before).map(({ url }) => url)).not.toContain('/smuggled');
  });
});

async function othersAreServed(): Promise<void> {
  const session = await http2Client(gateway.port);
  expect((await ask(session, '/others')).status).toBe(200);
  session.destroy();
}

describe('a flood', () => {
  it('of streams that are reset at once ends the connection', async () => {
    const wire = await FrameWire.open(gateway.port);
    const head = block(GET);
    for (let id = 1; id < 8000 && !wire.closed; id += 2) {
      wire.send(
        frame(HEADERS, END_HEADERS | END_STREAM, id, head),
        frame(RST_STREAM, 0, id, Buffer.from([0, 0, 0, 8])),
      );
    }
    await wire.ended();
    expect(wire.frames.some(({ type }) => type === GOAWAY)).toBe(true);
    await othersAreServed();
  });

  it('of header blocks without an end ends the connection', async () => {
    const wire = await FrameWire.open(gateway.port);
    wire.send(frame(HEADERS, 0, 1, block(GET)));
    for (let i = 0; i < 1000; i++) wire.send(frame(CONTINUATION, 0, 1, block([['x-a', '1']])));
    await wire.ended();
    await othersAreServed();
  });

  it.each([
    ['pings', frame(PING, 0, 0, Buffer.alloc(8))],
    ['settings', frame(4, 0, 0, Buffer.from([0, 3, 0, 0, 0, 1]))],
  ])('of %s ends the connection', async (_name, bytes) => {
    const wire = await FrameWire.open(gateway.port);
    // A request that stays open, so that it is no idle connection.
    wire.send(frame(HEADERS, END_HEADERS, 1, block(having(':method', 'POST'))));
    const flood = Buffer.concat(Array.from({ length: 500 }, () => bytes));
    const timer = setInterval(() => wire.send(flood), 20);
    await wire.ended();
    clearInterval(timer);
    await othersAreServed();
  });

  it('of streams on one connection is refused beyond a limit', async () => {
    const wire = await FrameWire.open(gateway.port);
    const head = block(having(':method', 'POST'));
    for (let id = 1; id < 400; id += 2) wire.send(frame(HEADERS, END_HEADERS, id, head));
    const fate = await wire.fateOf(399);
    expect([fate?.type, fate?.payload.readUInt32BE(0)]).toEqual([RST_STREAM, 7]);
    wire.destroy();
    await othersAreServed();
  });

  it('of fields is more than a request may have', async () => {
    const wire = await FrameWire.open(gateway.port);
    const many: Fields = Array.from({ length: 3000 }, (_, i) => [`x-${i}`, 'y']);
    const whole = block([...GET, ...many]);
    const pieces = [whole.subarray(0, 16_000), whole.subarray(16_000, 32_000), whole.subarray(32_000)];
    wire.send(frame(HEADERS, END_STREAM, 1, pieces[0]));
    wire.send(frame(CONTINUATION, 0, 1, pieces[1]), frame(CONTINUATION, END_HEADERS, 1, pieces[2]));
    const fate = await wire.fateOf(1);
    if (fate?.type === HEADERS) expect(statusOf(fate)).not.toBe(200);
    wire.destroy();
    expect(upstream.requests.map(({ headers }) => headers)).not.toContainEqual(expect.objectContaining({ 'x-1': 'y' }));
    await othersAreServed();
  });
});

describe('a connection that is kept for nothing', () => {
  const KEPT: readonly (readonly [string, boolean, readonly Buffer[]])[] = [
    ['says nothing at all', true, []],
    ['asks nothing', false, []],
    ['begins a head and does not end it', false, [frame(HEADERS, 0, 1, block(GET))]],
    ['was answered and asks nothing more', false, [frame(HEADERS, END_HEADERS | END_STREAM, 1, block(GET))]],
    ['sends half a body', false, [frame(HEADERS, END_HEADERS, 1, block(having(':method', 'POST')))]],
  ];
  const wires = new Map<string, FrameWire>();

  // All of them wait at the same time.
  beforeAll(async () => {
    for (const [name, silent, frames] of KEPT) {
      const wire = await FrameWire.open(gateway.port, silent);
      wire.send(...frames);
      wires.set(name, wire);
    }
  });

  it.each(KEPT)('and %s is ended', async (name) => {
    await wires.get(name)?.ended();
    expect(wires.get(name)?.closed).toBe(true);
  });

  it('and speaks HTTP/1.1 is ended too', async () => {
    const socket = connectTls({ port: gateway.port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'secureConnect');
    socket.write('GET /kept HTTP/1.1\r\nHost: h\r\n\r\n');
    await once(socket, 'close');
  });
});
