import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { scratchFolder, type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';
import { certificateIn } from './websocket/certificate.js';
import { Ear, EchoServer } from './websocket/echo.js';

let echo: EchoServer;
let echoUrl: string;
let database: TestDatabase;

beforeAll(async () => {
  echo = new EchoServer({ perMessageDeflate: false });
  echoUrl = await echo.listening();
  database = await (await startPostgres()).createDatabase();
}, 60_000);

afterAll(async () => {
  echo.stop();
  await database.drop();
});

async function gatewayOf(scheme: 'http' | 'https', drain = '20s', drainDelay = '0s'): Promise<SpawnedGateway> {
  const tls = scheme === 'https' ? { tls: certificateIn(scratchFolder('websocket')) } : {};
  const upstreams = [{ name: 'echo', targets: [echoUrl] }];
  const routes = [{ path: '/', upstream: 'echo' }];
  const config = { gateway: { drain, drainDelay, upstreams, routes, ...tls } };
  return await spawnGateway({ env: { DATABASE_URL: database.url }, config, scheme });
}

async function joined(gateway: SpawnedGateway, path = ''): Promise<{ near: Ear; far: Ear }> {
  const near = await Ear.open(`${gateway.url}${path}`, { perMessageDeflate: false });
  return { near, far: new Ear(echo.latest) };
}

describe.each(['http', 'https'] as const)('when the gateway leaves, over %s,', (scheme) => {
  it('both ends of a WebSocket are told 1001, between two messages, and it is gone in time', async () => {
    const gateway = await gatewayOf(scheme);
    const idle = await joined(gateway);
    const receiving = await joined(gateway, '/silent');
    const sending = await joined(gateway);
    const large = randomBytes(300_000);
    receiving.far.socket.send(large.subarray(0, 100_000), { fin: false });
    sending.near.socket.send(large.subarray(0, 100_000), { fin: false });
    // A ping after the first part: whoever hears it has heard that.
    const heard = [once(receiving.near.socket, 'ping'), once(sending.far.socket, 'ping')];
    receiving.far.socket.ping();
    sending.near.socket.ping();
    await Promise.all(heard);

    gateway.signal('SIGTERM');
    expect((await idle.near.closed).code).toBe(1001);
    expect((await idle.far.closed).code).toBe(1001);
    // The gateway is on its way out now; what was begun is still carried to its end.
    receiving.far.socket.send(large.subarray(100_000), { fin: true });
    expect((await receiving.near.message()).data.equals(large)).toBe(true);
    sending.near.socket.send(large.subarray(100_000), { fin: true });
    expect((await receiving.near.closed).code).toBe(1001);
    expect((await receiving.far.closed).code).toBe(1001);
    expect((await sending.near.closed).code).toBe(1001);
    expect((await sending.far.closed).code).toBe(1001);
    expect(await gateway.exited).toEqual({ code: 0, signal: null });
  }, 60_000);
});

describe('when the gateway leaves,', () => {
  it('a client that does not answer the goodbye does not keep its upstream from hearing one', async () => {
    const gateway = await gatewayOf('http');
    const client = connect(gateway.port, '127.0.0.1');
    const heard: Buffer[] = [];
    client.write(
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(client, 'data');
    client.on('data', (bytes: Buffer) => heard.push(bytes));
    const far = new Ear(echo.latest);
    gateway.signal('SIGTERM');
    expect((await far.closed).code).toBe(1001);
    expect(await gateway.exited).toEqual({ code: 0, signal: null });
    expect(Buffer.concat(heard)).toEqual(Buffer.from([0x88, 2, 1001 >> 8, 1001 & 255]));
    client.destroy();
  }, 60_000);

  it('and is told again, it does not wait for what is under way', async () => {
    const gateway = await gatewayOf('http', '10m');
    const idle = await joined(gateway);
    const held = await joined(gateway, '/silent');
    held.far.socket.send('a message without an end', { fin: false });
    const heard = once(held.near.socket, 'ping');
    held.far.socket.ping();
    await heard;
    gateway.signal('SIGTERM');
    expect((await idle.near.closed).code).toBe(1001);
    gateway.signal('SIGTERM');
    expect((await held.near.closed).code).toBe(1006);
    expect(await gateway.exited).toEqual({ code: 0, signal: null });
  }, 60_000);

  it('and is told again before it has closed its doors, it does not wait for that either', async () => {
    const gateway = await gatewayOf('http', '10m', '10m');
    gateway.signal('SIGTERM');
    while (!gateway.stdout.some((line) => line.includes('draining'))) await turn();
    gateway.signal('SIGTERM');
    expect(await gateway.exited).toEqual({ code: 0, signal: null });
  }, 60_000);

  it('an upstream that says goodbye at the same moment is not contradicted', async () => {
    const gateway = await gatewayOf('http');
    const { near, far } = await joined(gateway);
    const socket = (near.socket as unknown as { _socket: Socket })._socket;
    socket.pause();
    far.socket.close(4001, 'on its own');
    const other = await joined(gateway);
    other.near.socket.send('by now the goodbye is with the gateway');
    await other.near.message();
    gateway.signal('SIGTERM');
    expect((await other.near.closed).code).toBe(1001);
    socket.resume();
    expect(await near.closed).toEqual({ code: 4001, reason: 'on its own' });
    expect((await far.closed).code).toBe(4001);
    expect(await gateway.exited).toEqual({ code: 0, signal: null });
  }, 60_000);
});
