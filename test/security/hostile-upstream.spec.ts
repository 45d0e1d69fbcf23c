import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';
import { announced, bodies, informational, silences, surplus } from './responses/bodies.cases.js';
import { type Case, EVIL, ok } from './responses/case.js';
import { heads } from './responses/heads.cases.js';
import { Wire } from './wire.js';

type Behaviour = (socket: Socket) => void;

/** Where the gateway does not wait for long. */
const IMPATIENT = '/impatient';

let upstream: Server;
let database: TestDatabase;
let gateway: SpawnedGateway;
/** What the upstream does with `/hostile`, wherever that is; everything else it answers with its target. */
let behaves: Behaviour;
let asked = 0;

beforeAll(async () => {
  upstream = createServer({ noDelay: true }, (socket) => {
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (head: string) => {
      const target = /^\w+ (\S+)/.exec(head)?.[1] ?? '';
      if (target.endsWith('/hostile')) behaves(socket);
      else socket.write(`${ok(`Content-Length: ${target.length}`)}${target}`);
    });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  database = await (await startPostgres()).createDatabase();
  const targets = [`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`];
  const main = { name: 'main', targets, retry: 'off', breaker: 'off', health: 'off' };
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        upstreams: [main, { ...main, name: 'impatient', timeouts: { response: '200ms', idle: '200ms' } }],
        routes: [
          { path: IMPATIENT, upstream: 'impatient' },
          { path: '/', upstream: 'main', websocket: true },
        ],
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  upstream.close();
  await database.drop();
});

/** Whatever the upstream has done: the next one gets the answer to its own request. */
afterEach(async () => {
  for (const path of ['', IMPATIENT]) {
    const neighbour = await Wire.open(gateway.port);
    for (let heard = 0; heard < 2;) {
      const target = `${path}/neighbour/${++asked}`;
      neighbour.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
      const { answers } = await neighbour.hears(1);
      neighbour.forget();
      // On a busy machine ours may be late as well for who has no patience: that is nobody else's answer.
      if (path === IMPATIENT && answers[0]?.status === 504) continue;
      expect(answers).toMatchObject([{ status: 200, body: target }]);
      heard++;
    }
    neighbour.destroy();
  }
});

describe.each<[string, readonly Case[], string?]>([
  ['a head', heads],
  ['a body', bodies],
  ['a field of trailers', announced],
  ['what nobody asked for', surplus],
  ['an informational answer', informational],
  ['silence', silences, IMPATIENT],
])('%s', (_group, cases, path = '') => {
  it.each(cases)('%s', async (_name, sends, client, ...[method]) => {
    behaves = typeof sends === 'string' ? (socket) => void socket.write(sends, 'latin1') : sends;
    const wire = await Wire.open(gateway.port);
    wire.send(`${method ?? 'GET'} ${path}/hostile HTTP/1.1\r\nHost: h\r\n\r\n`);
    const bodiless = method === 'HEAD' ? 1 : 0;
    const { answers, rest } = await wire.hears(1, bodiless);
    expect(wire.received).not.toContain('evil');
    if (client === 'cut') {
      expect(answers).toEqual([]);
      await wire.ended();
      expect(wire.answers().answers).toEqual([]);
    } else {
      expect(rest).toBe('');
      expect(answers).toHaveLength(1);
      const { status, headers, body } = answers[0]!;
      if (typeof client === 'number') {
        expect(status).toBe(client);
        expect(headers.get('content-type')).toBe('application/problem+json');
        expect(JSON.parse(body)).toMatchObject({
          status,
          code: client === 502 ? 'upstream_reset' : 'upstream_timeout',
        });
      } else {
        expect({ status, body }).toEqual({ status: client.status ?? 200, body: client.body });
        expect([...headers.keys()]).toEqual(expect.arrayContaining([...(client.has ?? [])]));
        for (const name of client.lacks ?? []) expect([...headers.keys()]).not.toContain(name);
      }
    }
    wire.destroy();
  });
});

async function ask(target = '/hostile'): Promise<Wire> {
  const wire = await Wire.open(gateway.port);
  wire.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
  return wire;
}

async function happens(socket: Socket, event: 'close' | 'drain'): Promise<void> {
  await new Promise<void>((resolve) => socket.once(event, () => resolve()));
}

/** The upstream's side of the next request for `/hostile`, with nothing answered yet. */
async function nextConnection(): Promise<Socket> {
  return await new Promise((resolve) => (behaves = resolve));
}

describe('a connection to an upstream', () => {
  it('that is reset inside a body which its end would end cuts the response', async () => {
    const arrived = nextConnection();
    const wire = await ask();
    const socket = await arrived;
    socket.write(`${ok()}abc`);
    await wire.receives('abc');
    socket.resetAndDestroy();
    await wire.ended();
    expect(wire.answers().answers).toEqual([]);
  });

  it('is given up when something comes while nobody has asked', async () => {
    const arrived = nextConnection();
    const wire = await ask();
    const socket = await arrived;
    socket.write(`${ok('Content-Length: 3')}abc`);
    await wire.hears(1);
    const closed = happens(socket, 'close');
    socket.write(EVIL);
    await closed;
    expect(wire.received).not.toContain('evil');
    wire.destroy();
  });

  it('is given up with the client, and nothing that was meant for it is left over', async () => {
    const arrived = nextConnection();
    const wire = await ask();
    const socket = await arrived;
    const closed = happens(socket, 'close');
    wire.destroy();
    await closed;
  });

  it('is never upgraded to anything but what the client asked for', async () => {
    for (const protocol of ['h2c', 'websocket, h2c', '']) {
      const arrived = nextConnection();
      const wire = await Wire.open(gateway.port);
      wire.send(
        'GET /hostile HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      );
      (await arrived).write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\nevil`,
      );
      expect((await wire.hears(1)).answers).toMatchObject([{ status: 502 }]);
      expect(wire.received).not.toContain('evil');
      wire.destroy();
    }
  });
});

describe('an upstream that does not stop', () => {
  const MEGABYTE = 1 << 20;
  const hint = `HTTP/1.1 103 Early Hints\r\nLink: </${'a'.repeat(1000)}>; rel=preload\r\n\r\n`;

  /** Sends the same for as long as it is taken, up to 64 MB. Tells how much was. */
  async function flood(socket: Socket, bytes: string): Promise<number> {
    const piece = bytes.repeat(Math.ceil(MEGABYTE / bytes.length));
    const closed = happens(socket, 'close').then(() => false);
    while (socket.bytesWritten < 64 * MEGABYTE) {
      if (socket.write(piece, 'latin1')) continue;
      if (!(await Promise.race([happens(socket, 'drain').then(() => true), closed]))) break;
    }
    return socket.bytesWritten - socket.writableLength;
  }

  it.each([
    ['with hints', hint],
    ['with 100s', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['with 102s that have fields', `HTTP/1.1 102 Processing\r\nX: ${'x'.repeat(500)}\r\n\r\n`],
    ['with one head', 'X: 12345\r\n'],
    ['with one line', 'x'],
  ])('%s is left, and the client told', async (_what, bytes) => {
    const arrived = nextConnection();
    const wire = await ask();
    const socket = await arrived;
    socket.write('HTTP/1.1 100 Continue\r\n');
    if (!bytes.endsWith('\r\n\r\n')) socket.write('\r\nHTTP/1.1 200 OK\r\nX-Start: ');
    else socket.write('\r\n');
    expect(await flood(socket, bytes)).toBeLessThan(16 * MEGABYTE);
    const { answers } = await wire.hears(1);
    expect(answers).toMatchObject([{ status: 502 }]);
    wire.destroy();
  });

  it('is held back while the client does not read', async () => {
    const arrived = nextConnection();
    const wire = await ask();
    wire.pause();
    const socket = await arrived;
    socket.write(ok('Content-Length: 1000000000'));
    const flooding = flood(socket, 'x');
    let before = -1;
    for (let same = 0; same < 20; same = socket.bytesWritten === before ? same + 1 : 0) {
      before = socket.bytesWritten;
      const other = await ask('/other');
      expect((await other.hears(1)).answers).toMatchObject([{ status: 200, body: '/other' }]);
      other.destroy();
    }
    expect(before - socket.writableLength).toBeLessThan(32 * MEGABYTE);
    wire.destroy();
    await flooding;
  });
});
