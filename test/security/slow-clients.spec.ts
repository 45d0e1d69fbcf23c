import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';
import { Wire } from './wire.js';

const EVERY = 50;
const EACH = 10;
const HEAD = 'POST /slow HTTP/1.1\r\nHost: h\r\n';

let upstream: RecordingUpstream;
let database: TestDatabase;
let gateway: SpawnedGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        limits: { headersTimeout: '1s', requestTimeout: '1s', keepAlive: '1s' },
        upstreams: [{ name: 'main', targets: [upstream.url], retry: 'off', breaker: 'off', health: 'off' }],
        routes: [
          { path: '/slow', upstream: 'main' },
          { path: '/fixed', respond: { status: 200, body: 'fixed' } },
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

interface Attack {
  readonly name: string;
  /** Sent one by one; from `again` on over and over. */
  readonly pieces: readonly string[];
  readonly again?: number;
  /** The last answer. */
  readonly status: number;
}

const ATTACKS: readonly Attack[] = [
  { name: 'says nothing', pieces: [''], status: 408 },
  { name: 'sends a head a byte at a time', pieces: Array.from(`${HEAD}X: x`), again: HEAD.length + 3, status: 408 },
  { name: 'sends a head without an end a field at a time', pieces: [HEAD, 'X: 1\r\n'], again: 1, status: 408 },
  { name: 'sends a value that begins with blanks', pieces: [`${HEAD}X:`, ' '], again: 1, status: 408 },
  { name: 'sends empty lines for a request', pieces: ['\r\n'], status: 408 },
  {
    name: 'sends a second head slowly',
    pieces: ['GET /fixed HTTP/1.1\r\nHost: h\r\n\r\nGET ', '/', 'x'],
    again: 2,
    status: 408,
  },
  {
    name: 'goes on with empty lines after a request',
    pieces: ['GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n', '\r\n'],
    again: 1,
    status: 200,
  },
  {
    name: 'sends a body a byte at a time',
    pieces: [`${HEAD}Content-Length: 100000\r\n\r\n`, 'x'],
    again: 1,
    status: 408,
  },
  { name: 'sends half a body', pieces: [`${HEAD}Content-Length: 10\r\n\r\nhalf`, ''], again: 1, status: 408 },
  {
    name: 'sends a chunk at a time',
    pieces: [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
    again: 1,
    status: 408,
  },
  {
    name: 'sends an extension without an end',
    pieces: [`${HEAD}Transfer-Encoding: chunked\r\n\r\n1;`, 'x'],
    again: 1,
    status: 408,
  },
  {
    name: 'sends trailers without an end',
    pieces: [`${HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n`, 'X: 1\r\n'],
    again: 1,
    status: 408,
  },
  {
    name: 'waits for 100 and sends nothing then',
    pieces: [`${HEAD}Expect: 100-continue\r\nContent-Length: 10\r\n\r\n`, ''],
    again: 1,
    status: 408,
  },
  {
    name: 'sends a body that nobody reads',
    pieces: ['POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n', 'x'],
    again: 1,
    status: 404,
  },
  {
    name: 'sends a body to a fixed answer',
    pieces: ['POST /fixed HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n', 'x'],
    again: 1,
    status: 200,
  },
  {
    name: 'sends a body to a health check',
    pieces: ['GET /health/live HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n', 'x'],
    again: 1,
    status: 200,
  },
  {
    name: 'sends a body to the admin API',
    pieces: [
      'POST /_aegis/reload HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n',
      ' ',
    ],
    again: 1,
    status: 401,
  },
  {
    name: 'asks for another protocol, is refused and goes on',
    pieces: ['GET /../x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 'x'],
    again: 1,
    status: 400,
  },
  { name: 'is refused and goes on', pieces: ['NONSENSE\r\n\r\n', 'x'], again: 1, status: 400 },
  { name: 'is refused and stays', pieces: ['GET /../x HTTP/1.1\r\nHost: h\r\n\r\n', ''], again: 1, status: 400 },
  {
    name: 'keeps a connection and asks nothing',
    pieces: ['GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n', ''],
    again: 1,
    status: 200,
  },
];

/** One that says nothing more cannot tell whether its connection was ended or is gone: it leaves when it is told to. */
async function openFor({ pieces }: Attack): Promise<Wire> {
  return pieces.at(-1) === '' ? await Wire.open(gateway.port) : await Wire.openToStay(gateway.port);
}

describe('two hundred clients that are slow on purpose, all at once', () => {
  const ends = new Map<Attack, Promise<readonly Wire[]>>();
  let besieged = true;

  beforeAll(async () => {
    for (const attack of ATTACKS) {
      const wires = await Promise.all(Array.from({ length: EACH }, async () => await openFor(attack)));
      const dripped = wires.map(async (wire) => await wire.drip(attack.pieces, EVERY, attack.again));
      ends.set(
        attack,
        Promise.all(dripped).then(() => wires),
      );
    }
    void Promise.all(ends.values()).then(() => (besieged = false));
  });

  it('leave room for others', async () => {
    let served = 0;
    do {
      // On a connection of its own: one that waits is ended as well.
      const response = await fetch(`${gateway.url}/slow`, { headers: { connection: 'close' } });
      expect(response.status).toBe(200);
      await response.text();
      served++;
    } while (besieged && served < 200);
  });

  it.each(ATTACKS)('one that $name is put out', async (attack) => {
    const wires = await ends.get(attack)!;
    const last = wires.map((wire) => wire.answers().answers.at(-1)?.status);
    expect(last).toEqual(wires.map(() => attack.status));
  });

  it('leave nothing whole with the upstream', () => {
    const slow = upstream.requests.filter(({ method }) => method === 'POST');
    expect(slow.length).toBeGreaterThan(0);
    // A body is recorded when its request has ended.
    expect(slow.map(({ body }) => body.length)).toEqual(slow.map(() => 0));
  });
});
