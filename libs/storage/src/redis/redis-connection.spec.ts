import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { freePort, type RedisServer, type RedisServerOptions, startRedis } from '#testing';
import { type StorageLog } from '../storage-error.js';
import { RedisConnection, type RedisState } from './redis-connection.js';
import { type RedisOptions } from './redis-client.js';

const said: string[] = [];
const note = (message: string): void => void said.push(message);
const log: StorageLog = { debug: note, info: note, warn: note, error: note };
const clean: (() => unknown)[] = [];

afterEach(async () => {
  for (const each of clean.splice(0).reverse()) await each();
  said.length = 0;
});

describe('without Redis', () => {
  it('there is no connection', () => {
    expect(RedisConnection.open(options({}), log)).toBeNull();
  });
});

describe('a connection to Redis', () => {
  it('opens by URL, with password, database and key prefix', async () => {
    const redis = await server({ password: 'p@ss/word' });
    const connection = await connected({ url: `${redis.url}/2`, keyPrefix: 'aegis:' });
    await connection.client.set('k', 'v');
    const plain = await connected({ url: `${redis.url}/2` });
    expect(await plain.client.get('aegis:k')).toBe('v');
    expect(await connection.probe()).toBe('connected');
  });

  it('does not wait for a Redis that is away at the start, and finds it when it comes', async () => {
    const port = await freePort();
    const connection = opened({ url: `redis://127.0.0.1:${port}` });
    await expect(connection.client.get('k')).rejects.toThrow();
    expect(await connection.probe()).toBe('disconnected');
    expect(connection.state).toBe('disconnected');
    const redis = await server({}, port);
    await became(connection, 'connected');
    expect(redis.port).toBe(port);
  });

  it('tells when it is lost and when it is back, and fails commands at once in between', async () => {
    const redis = await server({});
    const connection = await connected({ url: redis.url });
    const states: RedisState[] = [];
    connection.onChange((state) => states.push(state));
    const lost = became(connection, 'disconnected');
    await redis.kill();
    await lost;
    await expect(connection.client.incr('n')).rejects.toThrow();
    const back = became(connection, 'connected');
    await redis.restart();
    await back;
    expect(await connection.client.incr('n')).toBe(1);
    expect(states).toEqual(['disconnected', 'connected']);
  });

  it('fails a command that gets no answer, and one that was on its way when the connection broke', async () => {
    const redis = await server({});
    const connection = await connected({ url: redis.url, commandTimeout: 100 });
    redis.pause();
    await expect(connection.client.get('k')).rejects.toThrow('timed out');
    expect(await connection.probe(50)).toBe('disconnected');
    redis.resume();
    // It may still be waking up.
    let answer: unknown = 'none';
    while (answer === 'none') answer = await connection.client.get('k').catch(() => 'none');
    expect(answer).toBeNull();
  });

  it('never runs a script twice because the connection broke', async () => {
    const redis = await server({});
    const connection = await connected({ url: redis.url, commandTimeout: 60_000 });
    redis.pause();
    const pending = connection.client.incr('n');
    const lost = expect(pending).rejects.toThrow();
    connection.client.disconnect(true);
    await lost;
    const back = became(connection, 'connected');
    redis.resume();
    await back;
    expect(Number(await connection.client.get('n'))).toBeLessThanOrEqual(1);
  });

  it('says why it is away once, not at every try, and never the password', async () => {
    const redis = await server({ password: 'secret' });
    const connection = opened({ url: `redis://:wrong-secret@127.0.0.1:${redis.port}` });
    await tries(connection, 5);
    const warnings = said.filter((line) => line.includes('away'));
    expect(warnings.join()).toMatch(/WRONGPASS|NOAUTH/);
    expect(new Set(warnings).size).toBe(warnings.length);
    expect(said.join()).not.toContain('secret');
  });

  it('speaks TLS when the URL says so', async () => {
    const greetings: Buffer[] = [];
    const impostor = await listen((socket) =>
      socket.once('data', (data: Buffer) => greetings.push(data) && socket.destroy()),
    );
    const { port } = impostor.address() as { port: number };
    const connection = opened({ url: `rediss://127.0.0.1:${port}` });
    await tries(connection, 1);
    // A TLS record of the kind "handshake".
    expect(greetings[0]?.[0]).toBe(0x16);
  });

  it('refuses what can never be a Redis URL without repeating it', () => {
    for (const url of ['http://x:secret@y', 'secret', 'redis://h:1/secret']) {
      expect(() => RedisConnection.open(options({ url }), log)).toThrow(/redis\.url \(REDIS_URL\) is not a Redis URL/);
      expect(() => RedisConnection.open(options({ url }), log)).not.toThrow(/secret/);
    }
  });

  it('needs the name of the master to ask sentinels for', () => {
    const sentinels = [{ host: '127.0.0.1', port: 1 }];
    expect(() => RedisConnection.open(options({ sentinels }), log)).toThrow('redis.sentinels needs redis.master');
  });
});

describe('through sentinels', () => {
  it('it asks one of them where the master is', async () => {
    const master = await server({});
    const sentinel = await sentinelFor(master.port);
    const connection = await connected({
      sentinels: [
        { host: '127.0.0.1', port: await freePort() },
        { host: '127.0.0.1', port: sentinel.port },
      ],
      master: 'aegis',
      keyPrefix: 'aegis:',
    });
    await connection.client.set('k', 'v');
    const plain = await connected({ url: master.url });
    expect(await plain.client.get('aegis:k')).toBe('v');
  });
});

describe('to a cluster', () => {
  it('it learns the slots from any node', async () => {
    const node = await server({ args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] });
    const plain = await connected({ url: node.url });
    await plain.client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    const connection = await connected({
      cluster: [
        { host: '127.0.0.1', port: await freePort() },
        { host: '127.0.0.1', port: node.port },
      ],
      keyPrefix: 'aegis:',
    });
    await connection.client.set('k', 'v');
    expect(await plain.client.get('aegis:k')).toBe('v');
    const lost = became(connection, 'disconnected');
    await node.kill();
    await expect(connection.client.get('k')).rejects.toThrow();
    await lost;
    expect(said.filter((line) => line.includes('away')).length).toBeLessThanOrEqual(5);
  });
});

function options(some: Partial<RedisOptions>): RedisOptions {
  return { url: null, sentinels: [], master: null, cluster: [], tls: null, keyPrefix: '', ...some };
}

function opened(some: Partial<RedisOptions>): RedisConnection {
  const connection = RedisConnection.open(options(some), log);
  if (!connection) throw new Error('nothing was configured');
  clean.push(() => connection.close());
  return connection;
}

async function connected(some: Partial<RedisOptions>): Promise<RedisConnection> {
  const connection = opened(some);
  await became(connection, 'connected');
  return connection;
}

async function became(connection: RedisConnection, state: RedisState): Promise<void> {
  if (connection.state === state) return;
  await new Promise<void>((resolve) => {
    connection.onChange((now) => {
      if (now === state) resolve();
    });
  });
}

async function tries(connection: RedisConnection, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => connection.client.once('reconnecting', resolve));
}

async function server(some: RedisServerOptions, port?: number): Promise<RedisServer> {
  const redis = await startRedis({ ...some, ...(port !== undefined && { port }) });
  clean.push(async () => await redis.stop());
  return redis;
}

/** A redis-server in sentinel mode needs a file of its own to write to. */
async function sentinelFor(port: number): Promise<RedisServer> {
  return await server({ sentinelOf: { name: 'aegis', port } });
}

async function listen(onConnection: (socket: Socket) => void): Promise<Server> {
  const impostor = createServer(onConnection).listen(0, '127.0.0.1');
  clean.push(() => impostor.close());
  await once(impostor, 'listening');
  return impostor;
}
