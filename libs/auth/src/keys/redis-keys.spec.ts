import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { type Principal } from '#kernel';
import { FakeClock, type RedisServer, startRedis } from '#testing';
import { RedisKeys } from './redis-keys.js';
import { type StoredKey } from './stored-keys.js';

const EPOCH = '7c1d7f0e-7d0a-4a53-9c1b-5f8f3e0a2b11/42';
const SECRET = 'aegis_0123456789abcdef';
const HASH = createHash('sha256').update(SECRET).digest('hex');
const NAME = `auth:apikey:{${HASH}}`;

let server: RedisServer;
let redis: Redis;
let clock: FakeClock;
let keys: RedisKeys;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url, { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
  await redis.connect();
});

beforeEach(async () => {
  await redis.flushall();
  clock = new FakeClock();
  keys = new RedisKeys(redis, clock);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function keyOf(some: Partial<Principal> = {}, expiresAt = Infinity, hash = HASH): StoredKey {
  const principal = {
    consumer: 'mobile-app',
    id: '4711',
    roles: ['user'],
    scopes: ['orders'],
    plan: 'gold',
    credential: 'c-1',
    user: null,
    claims: {},
    ...some,
  };
  return { hash, principal, expiresAt };
}

describe('a key that was kept', () => {
  it('is found as it was, by whoever knows the epoch', async () => {
    const key = keyOf({}, clock.now() + 60_000);
    keys.keep([key, keyOf({ user: 'ann' }, Infinity, 'ff')], EPOCH);
    expect(await keys.find([HASH, 'ff', '00'], EPOCH)).toEqual([key, keyOf({ user: 'ann' }, Infinity, 'ff')]);
    expect(await keys.find([HASH], `${EPOCH}1`)).toEqual([]);
  });

  it('stands under its hash for five minutes at most, and never longer than it is good', async () => {
    keys.keep([keyOf()], EPOCH);
    expect(await redis.keys('*')).toEqual([NAME]);
    const left = await redis.pttl(NAME);
    expect(left > 0 && left <= 300_000).toBe(true);
    keys.keep([keyOf({}, clock.now() + 1_000)], EPOCH);
    expect(await redis.pttl(NAME)).toBeLessThanOrEqual(1_000);
    clock.advance(1_000);
    expect(await keys.find([HASH], EPOCH)).toEqual([]);
    await redis.flushall();
    keys.keep([keyOf({}, clock.now())], EPOCH);
    await redis.ping();
    expect(await redis.keys('*')).toEqual([]);
  });

  it('says neither the key nor the epoch', async () => {
    keys.keep([keyOf()], EPOCH);
    const value = (await redis.get(NAME)) ?? '';
    expect(value).toContain('mobile-app');
    for (const secret of [SECRET, EPOCH, EPOCH.slice(0, 36)]) expect(value).not.toContain(secret);
  });
});

describe('what somebody else wrote', () => {
  it('is nothing, whatever it is', async () => {
    keys.keep([keyOf()], EPOCH);
    const good = (await redis.get(NAME)) ?? '';
    const forged = [
      '',
      'x'.repeat(43),
      good.slice(43),
      good.slice(0, -1),
      `${good} `,
      good.replace('"user"', '"admin"'),
      `${'A'.repeat(43)}${good.slice(43)}`,
      good.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
      'x'.repeat(100_000),
    ];
    for (const value of forged) {
      await redis.set(NAME, value);
      expect(await keys.find([HASH], EPOCH)).toEqual([]);
    }
    await redis.del(NAME);
    await redis.hset(NAME, 'of', 'another type');
    expect(await keys.find([HASH], EPOCH)).toEqual([]);
    await redis.del(NAME);
    await redis.set(NAME, good);
    expect(await keys.find([HASH], EPOCH)).toEqual([keyOf()]);
  });

  it('is nothing when it was copied from another key', async () => {
    keys.keep([keyOf({ roles: ['admin'] }, Infinity, 'ff')], EPOCH);
    await redis.set(NAME, (await redis.get('auth:apikey:{ff}')) ?? '');
    expect(await keys.find([HASH], EPOCH)).toEqual([]);
  });

  it('never makes a reader fail', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (value) => {
        await redis.set(NAME, value);
        expect(await keys.find([HASH], EPOCH)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a Redis', () => {
  it('that hangs is nothing found, and nobody waits for it until it is back', async () => {
    keys.keep([keyOf()], EPOCH);
    await redis.ping();
    server.pause();
    try {
      expect(await keys.find([HASH], EPOCH)).toEqual([]);
      expect(await keys.find([HASH], EPOCH)).toEqual([]);
      keys.keep([keyOf()], EPOCH);
    } finally {
      server.resume();
    }
    let found: readonly StoredKey[] = [];
    while (found.length === 0) {
      await redis.ping();
      found = await keys.find([HASH], EPOCH);
    }
    expect(found).toEqual([keyOf()]);
    keys.close();
  });

  it('that is gone is nothing found', async () => {
    const nowhere = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    const away = new RedisKeys(nowhere, clock);
    away.keep([keyOf()], EPOCH);
    expect(await away.find([HASH], EPOCH)).toEqual([]);
    away.close();
    nowhere.disconnect();
  });
});
