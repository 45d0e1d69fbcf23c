import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { scratchFolder, type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';
import { certificateIn } from './websocket/certificate.js';
import { Ear, EchoServer } from './websocket/echo.js';

let echo: EchoServer;
let echoUrl: string;
let secureEcho: EchoServer;
let secureEchoUrl: string;
let databases: TestDatabase[];
const gateways: Record<'http' | 'https', SpawnedGateway | undefined> = { http: undefined, https: undefined };
/** Each request on a connection of its own: the gateway ends those that wait for longer than two seconds. */
const ALONE = { connection: 'close' };
/** Switches to WebSocket without looking, and does as a test says. */
let raw: Server;
let rawSockets: Promise<Socket>;

function configuration(route: string, more: object = {}): object {
  return {
    gateway: {
      // Short for requests: a WebSocket has none of them.
      limits: { headersTimeout: '2s', requestTimeout: '2s', keepAlive: '2s' },
      upstreams: [
        { name: 'echo', targets: [echoUrl] },
        { name: 'hurried', targets: [echoUrl], timeouts: { response: '2s', idle: '2s' } },
        { name: 'secure', targets: [secureEchoUrl], tls: { verify: false } },
        { name: 'raw', targets: [`http://127.0.0.1:${(raw.address() as AddressInfo).port}`] },
      ],
      routes: [
        { name: 'echo', path: '/echo', upstream: 'echo' },
        { name: 'hurried', path: '/hurried', upstream: 'hurried', timeout: '2s' },
        { name: 'secure', path: '/secure', upstream: 'secure' },
        { name: 'raw', path: '/raw', upstream: 'raw' },
        { name: 'never', path: '/never', upstream: 'echo', websocket: false },
        { name: route, path: '/other', respond: { status: 200, body: route } },
      ],
      ...more,
    },
  };
}

beforeAll(async () => {
  echo = new EchoServer();
  echoUrl = await echo.listening();
  const tls = certificateIn(scratchFolder('websocket'));
  secureEcho = new EchoServer({}, { cert: readFileSync(tls.cert), key: readFileSync(tls.key) });
  secureEchoUrl = await secureEcho.listening();
  raw = createServer();
  rawSockets = new Promise((resolve) => {
    raw.on('upgrade', (_req: IncomingMessage, socket: Socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      resolve(socket);
    });
  });
  raw.listen(0, '127.0.0.1');
  await once(raw, 'listening');
  const postgres = await startPostgres();
  databases = [await postgres.createDatabase(), await postgres.createDatabase()];
  [gateways.http, gateways.https] = await Promise.all([
    spawnGateway({ env: { DATABASE_URL: databases[0]!.url }, config: configuration('first') }),
    spawnGateway({
      env: { DATABASE_URL: databases[1]!.url },
      config: configuration('first', { tls }),
      scheme: 'https',
    }),
  ]);
}, 120_000);

afterAll(async () => {
  await Promise.all([gateways.http?.stop(), gateways.https?.stop()]);
  echo.stop();
  secureEcho.stop();
  raw.closeAllConnections();
  raw.close();
  for (const database of databases) await database.drop();
});

const SIZES = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 65_537, 1024 ** 2];
const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999];

async function opened(scheme: 'http' | 'https', options?: object, protocols?: string[], path = ''): Promise<Ear> {
  return await Ear.open(`${gateways[scheme]!.url}/echo${path}`, options, protocols);
}

describe.each(['http', 'https'] as const)('a WebSocket through a listener of %s', (scheme) => {
  it.each([
    ['as they are', false],
    ['compressed', true],
  ])('gets messages of every size back, %s', async (_, perMessageDeflate) => {
    const ear = await opened(scheme, { perMessageDeflate });
    expect(ear.socket.extensions.startsWith('permessage-deflate')).toBe(perMessageDeflate);
    for (const size of SIZES) {
      const bytes = randomBytes(size);
      ear.socket.send(bytes);
      const answer = await ear.message();
      expect(answer.binary).toBe(true);
      expect(answer.data.equals(bytes)).toBe(true);
      const text = 'ä€𝄞x'.repeat(Math.ceil(size / 10)).slice(0, size);
      ear.socket.send(text);
      expect((await ear.message()).data.toString()).toBe(text);
    }
    ear.socket.close(1000);
    expect(await ear.closed).toEqual({ code: 1000, reason: '' });
  });

  it('gets a message of 16 MB back, whole and in a hundred frames', async () => {
    const ear = await opened(scheme, { perMessageDeflate: false });
    const large = randomBytes(16 * 1024 ** 2);
    ear.socket.send(large);
    expect((await ear.message()).data.equals(large)).toBe(true);
    const part = Math.ceil(large.length / 100);
    for (let at = 0; at < large.length; at += part) {
      ear.socket.send(large.subarray(at, at + part), { fin: at + part >= large.length });
    }
    expect((await ear.message()).data.equals(large)).toBe(true);
    ear.socket.terminate();
  });

  it('may cut a message into frames, with pings in between', async () => {
    const ear = await opened(scheme);
    const pong = once(ear.socket, 'pong');
    for (const part of ['one ', 'two ', '']) ear.socket.send(part, { fin: false, binary: false });
    ear.socket.ping('in between');
    ear.socket.send('three', { fin: true });
    expect((await ear.message()).data.toString()).toBe('one two three');
    expect(String((await pong)[0])).toBe('in between');
    ear.socket.terminate();
  });

  it('hears and answers pings of either side, payload and all', async () => {
    const ear = await opened(scheme);
    for (const payload of ['', 'x', 'y'.repeat(125)]) {
      const pongs = [once(ear.socket, 'pong'), once(echo.latest, 'pong')];
      ear.socket.ping(payload);
      echo.latest.ping(payload);
      for (const pong of pongs) expect(String((await pong)[0])).toBe(payload);
    }
    ear.socket.terminate();
  });

  it.each(CODES)('may be closed with %i by either side', async (code) => {
    const ear = await opened(scheme);
    const far = new Ear(echo.latest);
    ear.socket.close(code, 'that is it');
    expect(await far.closed).toEqual({ code, reason: 'that is it' });
    expect((await ear.closed).code).toBe(code);
    const other = await opened(scheme);
    echo.latest.close(code, 'enough');
    expect(await other.closed).toEqual({ code, reason: 'enough' });
  });

  it('gets many small messages back in order', async () => {
    const ear = await opened(scheme, { perMessageDeflate: false });
    const count = 10_000;
    for (let i = 0; i < count; i++) ear.socket.send(`n${i}`);
    for (let i = 0; i < count; i++) {
      const { data } = await ear.message();
      if (data.toString() !== `n${i}`) throw new Error(`${data.toString()} instead of n${i}`);
    }
    ear.socket.terminate();
  });

  it('ends for one side when the other is gone without a word', async () => {
    const ear = await opened(scheme);
    const far = new Ear(echo.latest);
    ear.socket.terminate();
    expect((await far.closed).code).toBe(1006);
    const other = await opened(scheme);
    echo.latest.terminate();
    expect((await other.closed).code).toBe(1006);
  });
});

describe('a WebSocket', () => {
  it('speaks the subprotocol and the extensions that the two of them agree on', async () => {
    const chosen = await opened('http', {}, ['v1.chat', 'v2.chat']);
    expect(chosen.socket.protocol).toBe('v2.chat');
    chosen.socket.terminate();
    const plain = await opened('http', { perMessageDeflate: false });
    expect(plain.socket.extensions).toBe('');
    expect(echo.requests.at(-1)?.headers['sec-websocket-extensions']).toBeUndefined();
    plain.socket.terminate();
  });

  it('is refused with 400 where the route takes none, and an upstream that refuses says so itself', async () => {
    await expect(Ear.open(`${gateways.http!.url}/never`)).rejects.toThrow('400');
    await expect(Ear.open(`${gateways.http!.url}/echo/refused`)).rejects.toThrow('401');
  });

  it('passes what is no frame at all as it is, both ways', async () => {
    const { port } = gateways.http!;
    const client = connect(port, '127.0.0.1');
    const nonsense = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff]), randomBytes(100_000)]);
    client.write('GET /raw HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const server = await rawSockets;
    await once(client, 'data');
    expect((await passed(client, server, nonsense)).equals(nonsense)).toBe(true);
    expect((await passed(server, client, nonsense)).equals(nonsense)).toBe(true);
    const ended = once(server, 'end');
    client.resetAndDestroy();
    await ended;
    server.end();
  });

  it('leaves the complaint about a bad frame to the upstream', async () => {
    const ear = await opened('http', { perMessageDeflate: false });
    const far = new Ear(echo.latest);
    // Reserved bits without an extension that gives them a meaning.
    (ear.socket as unknown as { _socket: Socket })._socket.write(Buffer.from([0xf1, 0x80, 1, 2, 3, 4]));
    expect((await ear.closed).code).toBe(1002);
    expect((await far.closed).code).toBe(1006);
  });

  it.each(['down', 'up'])(
    'holds a sender back while the reader does not read, on the way %s, and loses nothing',
    async (way) => {
      const near = await opened('http', { perMessageDeflate: false }, [], '/silent');
      const far = new Ear(echo.latest);
      const [sender, reader] = way === 'down' ? [far.socket, near] : [near.socket, far];
      const piece = Buffer.alloc(65_536, 'x');
      const count = 1500;
      const memory = await memoryOf();
      reader.socket.pause();
      for (let i = 0; i < count; i++) sender.send(piece);
      let left = Infinity;
      // What the sender still has does not change any more: everything on the way is full.
      for (let still = 0; still < 5; still = sender.bufferedAmount === left ? still + 1 : 0) {
        left = sender.bufferedAmount;
        expect(await memoryOf()).toBeLessThan(memory + 64 * 1024 ** 2);
      }
      expect(left).toBeGreaterThan(64 * 1024 ** 2);
      reader.socket.resume();
      for (let i = 0; i < count; i++) expect((await reader.message()).data.length).toBe(piece.length);
      near.socket.terminate();
    },
  );

  it('goes to an upstream behind TLS as well: messages, goodbyes and deaths', async () => {
    const url = `${gateways.http!.url}/secure`;
    const ear = await Ear.open(url);
    const far = new Ear(secureEcho.latest);
    const bytes = randomBytes(1024 ** 2);
    ear.socket.send(bytes);
    expect((await ear.message()).data.equals(bytes)).toBe(true);
    ear.socket.close(4001, 'near');
    expect(await far.closed).toEqual({ code: 4001, reason: 'near' });
    expect((await ear.closed).code).toBe(4001);
    const told = await Ear.open(url);
    secureEcho.latest.close(4002, 'far');
    expect(await told.closed).toEqual({ code: 4002, reason: 'far' });
    const left = await Ear.open(url);
    secureEcho.latest.terminate();
    expect((await left.closed).code).toBe(1006);
    const leaving = await Ear.open(url);
    const last = new Ear(secureEcho.latest);
    leaving.socket.terminate();
    expect((await last.closed).code).toBe(1006);
  });

  it('is not cut by what limits requests, also where a request went before it on the connection', async () => {
    const { port } = gateways.http!;
    const before = connect(port, '127.0.0.1');
    before.write('GET /other HTTP/1.1\r\nHost: h\r\n\r\n');
    await once(before, 'data');
    const ear = await Ear.open(`${gateways.http!.url}/hurried`, { createConnection: () => before });
    // Sits there for as long as a connection may at the most.
    const loiterer = connect(port, '127.0.0.1');
    loiterer.write('GET /other HTTP/1.1\r\nHost: h\r\n\r\n\r\n');
    loiterer.resume();
    for (let i = 0; i < 2; i++) {
      const again = connect(port, '127.0.0.1');
      again.write('GET /other HTTP/1.1\r\nHost: h\r\n\r\n\r\n');
      again.resume();
      await once(again, 'close');
    }
    ear.socket.send('still here');
    expect((await ear.message()).data.toString()).toBe('still here');
    ear.socket.terminate();
  });

  it('lives through twenty reloads that do not touch its route, with ninety-nine others', async () => {
    const gateway = gateways.http!;
    const ears = await Promise.all(Array.from({ length: 100 }, async () => await opened('http')));
    for (let i = 0; i < 20; i++) {
      writeFileSync(gateway.configFile, JSON.stringify(configuration(`reload-${i}`)));
      const headers = { 'x-api-key': gateway.adminKey, ...ALONE };
      expect((await fetch(`${gateway.url}/_aegis/reload`, { method: 'POST', headers })).status).toBe(200);
      expect(await (await fetch(`${gateway.url}/other`, { headers: ALONE })).text()).toBe(`reload-${i}`);
      for (const { socket } of ears) socket.send(`after ${i}`);
      for (const ear of ears) expect((await ear.message()).data.toString()).toBe(`after ${i}`);
    }
    for (const ear of ears) ear.socket.close(1000);
    for (const ear of ears) expect((await ear.closed).code).toBe(1000);
  }, 60_000);
});

async function memoryOf(): Promise<number> {
  const { url, adminKey } = gateways.http!;
  const answer = await fetch(`${url}/_aegis/status`, { headers: { 'x-api-key': adminKey, ...ALONE } });
  return ((await answer.json()) as { memory: number }).memory;
}

/** What arrives at one end when the other writes. */
async function passed(from: Socket, to: Socket, bytes: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  const listener = (piece: Buffer): void => {
    pieces.push(piece);
    length += piece.length;
  };
  to.on('data', listener);
  from.write(bytes);
  while (length < bytes.length) await turn();
  to.off('data', listener);
  return Buffer.concat(pieces);
}
