import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';

const THEIRS = ['RateLimit', '"theirs";r=1', 'X-RateLimit-Limit', '7', 'x-ratelimit-remaining', '6'];

let upstream: Server;
let gateway: SpawnedGateway;
let database: TestDatabase;

beforeAll(async () => {
  upstream = createServer((_, res) => res.writeHead(200, THEIRS).end('ok'));
  upstream.on('upgrade', (_, socket) => {
    socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nRateLimit: "theirs"\r\n\r\n',
    );
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      rateLimiting: { rules: [{ name: 'login', path: '/free/login', limit: 3, window: '1h' }] },
      gateway: {
        routes: [
          { name: 'limited', path: '/limited', upstream: target, rateLimit: { limit: 50, name: 'ours' } },
          { name: 'free', path: '/free', upstream: target, rateLimit: false },
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

async function fieldsOf(path: string): Promise<Record<string, string[]>> {
  const [response] = (await once(get(`${gateway.url}${path}`), 'response')) as [IncomingMessage];
  response.resume();
  return response.headersDistinct as Record<string, string[]>;
}

describe('a limit for a path', () => {
  it('counts whatever an upstream may read as that path', async () => {
    const statusOf = async (path: string): Promise<number | undefined> => {
      const [response] = (await once(get(`${gateway.url}${path}`), 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    for (const way of ['/free/login', '/free/login;x', '/free/x/..;/login']) expect(await statusOf(way)).toBe(200);
    for (const way of [
      '/free/login',
      '/free/login%2F',
      '/free/%6Cogin;a=1',
      '/free//login',
      '/free/x%2F..;/login',
      '/free/%256Cogin',
    ]) {
      expect(await statusOf(way)).toBe(429);
    }
    expect(await statusOf('/free/login2')).toBe(200);
  });
});

describe('the limit fields of an answer', () => {
  it('are ours alone where a limit holds', async () => {
    const fields = await fieldsOf('/limited');
    expect(fields['ratelimit']).toEqual([expect.stringMatching(/^"ours";r=49/)]);
    expect(fields['x-ratelimit-limit']).toEqual(['50']);
    expect(fields['x-ratelimit-remaining']).toEqual(['49']);
  });

  it("are the upstream's where none does", async () => {
    const fields = await fieldsOf('/free');
    expect(fields['ratelimit']).toEqual(['"theirs";r=1']);
    expect(fields['x-ratelimit-limit']).toEqual(['7']);
  });

  it('stand on an answer that switches protocols too', async () => {
    const request = get(`${gateway.url}/limited`, { headers: { connection: 'Upgrade', upgrade: 'websocket' } });
    const [response, socket] = (await once(request, 'upgrade')) as [IncomingMessage, NodeJS.WritableStream];
    expect(response.statusCode).toBe(101);
    expect(response.headersDistinct['ratelimit']).toEqual([expect.stringMatching(/^"ours";r=\d+/)]);
    socket.end();
  });
});
