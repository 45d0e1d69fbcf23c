import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';

const GIGABYTE = 1024 ** 3;
const PIECE = Buffer.alloc(256 * 1024, 'x');
/** More than Node keeps in buffers on the way, far less than a body. */
const FLAT = 200 * 1024 ** 2;

let upstream: Server;
let database: TestDatabase;
let gateway: SpawnedGateway;
let received = 0;
/** Bytes the upstream takes in at a time; null: as they come. */
let sip: number | null = null;

beforeAll(async () => {
  upstream = createServer((req, res) => {
    if (req.method === 'GET') {
      res.writeHead(200, { 'Content-Length': GIGABYTE });
      pour(
        GIGABYTE,
        (piece) => res.write(piece),
        (go) => res.once('drain', go),
        () => res.end(),
      );
      return;
    }
    received = 0;
    if (sip === null) req.on('data', (piece: Buffer) => (received += piece.length));
    req.on('end', () => res.end(String(received)));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  database = await (await startPostgres()).createDatabase();
  const { port } = upstream.address() as AddressInfo;
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        limits: { body: 'off', requestTimeout: 'off' },
        routes: [{ path: '/', upstream: `http://127.0.0.1:${port}` }],
      },
    },
  });
}, 60_000);

afterAll(async () => {
  upstream.closeAllConnections();
  upstream.close();
  await gateway.stop();
  await database.drop();
});

/** Writes `bytes` in pieces, waiting whenever the other side is behind. */
function pour(
  bytes: number,
  write: (piece: Buffer) => boolean,
  onDrain: (go: () => void) => void,
  end: () => void,
): void {
  let left = bytes;
  const go = (): void => {
    while (left > 0) {
      const piece = left >= PIECE.length ? PIECE : PIECE.subarray(0, left);
      left -= piece.length;
      if (!write(piece)) {
        onDrain(go);
        return;
      }
    }
    end();
  };
  go();
}

function memory(): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'));
  return Number(match?.[1]) * 1024;
}

/** The most memory that the gateway had while `work` went on. */
async function peakDuring(work: Promise<unknown>): Promise<number> {
  let peak = 0;
  let over = false;
  void work.finally(() => (over = true));
  while (!over) {
    peak = Math.max(peak, memory());
    await delay(20);
  }
  await work;
  return peak;
}

async function upload(bytes: number, chunked: boolean): Promise<string> {
  const headers = chunked ? {} : { 'Content-Length': bytes };
  const req = request(`${gateway.url}/up`, { method: 'PUT', headers });
  pour(
    bytes,
    (piece) => req.write(piece),
    (go) => req.once('drain', go),
    () => req.end(),
  );
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of res) text += String(piece);
  return text;
}

describe('a gigabyte', () => {
  it('goes up and comes down with flat memory', async () => {
    const before = memory();
    for (const [bytes, chunked] of [
      [GIGABYTE, false],
      [GIGABYTE / 4, true],
    ] as const) {
      const going = upload(bytes, chunked);
      expect(await peakDuring(going)).toBeLessThan(before + FLAT);
      expect(await going).toBe(String(bytes));
    }
    const coming = (async () => {
      const [res] = (await once(get(`${gateway.url}/down`), 'response')) as [IncomingMessage];
      let bytes = 0;
      for await (const piece of res) bytes += (piece as Buffer).length;
      return bytes;
    })();
    expect(await peakDuring(coming)).toBeLessThan(before + FLAT);
    expect(await coming).toBe(GIGABYTE);
  }, 120_000);

  it('for an upstream that does not read waits at the client, not in the gateway', async () => {
    sip = 0;
    const before = memory();
    const arrived = once(upstream, 'request') as Promise<[IncomingMessage]>;
    const req = request(`${gateway.url}/slow`, { method: 'PUT', headers: { 'Content-Length': GIGABYTE } });
    req.on('error', () => undefined);
    let written = 0;
    const stuck = new Promise<void>((resolve) => {
      let timer = setTimeout(resolve, 2000);
      const go = (): void => {
        clearTimeout(timer);
        timer = setTimeout(resolve, 2000);
        while (written < GIGABYTE) {
          written += PIECE.length;
          if (!req.write(PIECE)) {
            req.once('drain', go);
            return;
          }
        }
      };
      go();
    });
    await arrived;
    await stuck;
    expect(written).toBeLessThan(64 * 1024 ** 2);
    expect(memory()).toBeLessThan(before + FLAT);
    req.destroy();
    sip = null;
  }, 60_000);
});
