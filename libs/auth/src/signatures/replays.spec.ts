import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { FakeClock, type RedisServer, startRedis } from '#testing';
import { MemoryReplays, RedisReplays } from './replays.js';

describe('signatures that were used, in this process', () => {
  it('are known for as long as they would be taken, and then forgotten', () => {
    const clock = new FakeClock();
    const replays = new MemoryReplays(clock, 2);
    expect([replays.first('a', 300_000), replays.first('a', 300_000)]).toEqual([true, false]);
    clock.advance(299_999);
    expect(replays.first('a', 300_000)).toBe(false);
    clock.advance(60_001);
    expect(replays.first('a', 300_000)).toBe(true);
  });

  it('make room for nobody before their time', () => {
    const clock = new FakeClock();
    const replays = new MemoryReplays(clock, 2);
    replays.first('a', 60_000);
    replays.first('b', 120_000);
    expect(() => replays.first('c', 1000)).toThrow(expect.objectContaining({ code: 'overloaded' }));
    expect(replays.first('a', 60_000)).toBe(false);
    clock.advance(60_000);
    expect(replays.first('c', 1000)).toBe(true);
  });
});

describe('signatures that were used, in Redis', () => {
  let server: RedisServer;
  let clients: readonly Redis[];

  beforeAll(async () => {
    server = await startRedis();
    clients = [1, 2].map(() => new Redis(server.url, { maxRetriesPerRequest: 0, retryStrategy: () => null }));
    for (const client of clients) client.on('error', () => undefined);
  });

  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await server.stop();
  });

  it('are known to all instances, for their time, and 503 when it is away', async () => {
    const [one, two] = clients.map((client) => new RedisReplays(client));
    expect(await Promise.all([one!.first('a', 60_000), two!.first('a', 60_000)]).then((all) => all.sort())).toEqual([
      false,
      true,
    ]);
    expect(await clients[0]!.pttl('auth:replay:{a}')).toBeGreaterThan(0);
    await server.kill();
    await expect(one!.first('b', 60_000)).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});
