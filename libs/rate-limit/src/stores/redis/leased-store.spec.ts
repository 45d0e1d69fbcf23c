import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { type RateLimitRule } from '#config';
import { systemClock } from '#kernel';
import { FakeClock, limitRule, type RedisServer, startRedis } from '#testing';
import { type Rule } from '../../rules/rule.js';
import { compileRule } from '../../rules/rule-set.js';
import { Check } from '../check.js';
import { type Verdict } from '../limiter-store.js';
import { Lease } from './lease.js';
import { LeasedStore } from './leased-store.js';
import { RedisStore } from './redis-store.js';

const INSTANCES = 3;

let server: RedisServer;
let clients: Redis[];
let stores: RedisStore[];

beforeEach(async () => {
  server = await startRedis();
  clients = [];
  stores = [];
});
afterEach(async () => {
  for (const store of stores) store.stop();
  for (const client of clients) client.disconnect();
  await server.stop();
});

/** One gateway. Its leases stand still unless a test moves their clock: what runs out while we are held up is lost. */
function instance(clock = new FakeClock()): LeasedStore {
  const redis = new Redis(server.url, { maxRetriesPerRequest: 0, disconnectTimeout: 1 });
  redis.on('error', () => undefined);
  clients.push(redis);
  const store = new RedisStore({
    redis,
    clock: systemClock,
    onFailure: () => 'local',
    instances: () => INSTANCES,
    onChange: () => undefined,
    patience: 10_000,
  });
  stores.push(store);
  return new LeasedStore(store, clock, () => INSTANCES);
}

function rule(fields: Partial<RateLimitRule>): Rule {
  return compileRule(limitRule({ name: 'leased', ...fields }), 0);
}

function ask(store: LeasedStore, ...rules: readonly Rule[]): Verdict | Promise<Verdict> {
  return store.check(rules.map((each) => new Check(each, 'consumer=acme', 1, 1)));
}

async function scriptCalls(): Promise<number> {
  const stats = (await clients[0]?.info('commandstats')) ?? '';
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

describe('leased limits', () => {
  it.each(['token-bucket', 'sliding-window', 'fixed-window'] as const)(
    'of a %s admit from the limit down to 95% of it when several instances are asked at once, and rarely ask Redis',
    async (algorithm) => {
      const limit = 3000;
      const leased = rule({ algorithm, limit, window: 86_400_000 });
      const gateways = Array.from({ length: INSTANCES }, () => instance());
      let admitted = 0;
      await Promise.all(
        gateways.flatMap((gateway) =>
          Array.from({ length: 8 }, async () => {
            for (let index = 0; index < 200; index++) if ((await ask(gateway, leased)) === 'admitted') admitted++;
          }),
        ),
      );
      expect(admitted).toBeLessThanOrEqual(limit);
      expect(admitted).toBeGreaterThanOrEqual(limit * 0.95);
      expect(await scriptCalls()).toBeLessThan(admitted / 10);
    },
  );

  it('answers without a promise once tokens are here, and refuses without asking once it is told', async () => {
    const gateway = instance();
    const leased = rule({ limit: 1000, window: 86_400_000 });
    const answers = [];
    for (let index = 0; index < 1200; index++) {
      const answer = ask(gateway, leased);
      answers.push({ sync: typeof answer === 'string', verdict: await answer });
    }
    const admitted = answers.filter(({ verdict }) => verdict === 'admitted');
    expect(admitted).toHaveLength(1000);
    expect(admitted.filter(({ sync }) => sync).length).toBeGreaterThan(900);
    const refused = answers.filter(({ verdict }) => verdict === 'refused');
    expect(refused.filter(({ sync }) => sync).length).toBeGreaterThan(150);
  });

  it('never holds more than 5% of the limit on all instances together', async () => {
    const leased = rule({ limit: 10_000, window: 86_400_000 });
    const gateways = Array.from({ length: INSTANCES }, () => instance());
    let admitted = 0;
    for (let round = 0; round < 600; round++) {
      for (const gateway of gateways) if ((await ask(gateway, leased)) === 'admitted') admitted++;
      const debt = Number(await clients[0]!.hget('ratelimit:token:{leased|consumer=acme}', 'debt')) / 86_400_000_000;
      expect(Math.ceil(debt) - admitted).toBeLessThanOrEqual(500);
    }
    expect(admitted).toBe(1800);
  });

  it('spends no token that is older than a second', async () => {
    const clock = new FakeClock();
    const gateway = instance(clock);
    const leased = rule({ limit: 10_000, window: 86_400_000 });
    for (let index = 0; index < 100; index++) await ask(gateway, leased);
    expect(typeof ask(gateway, leased)).toBe('string');
    clock.advance(1001);
    expect(typeof ask(gateway, leased)).toBe('object');
  });

  it('spends no token of a fixed window in the next one', () => {
    const told = { allowed: true, taken: 10, left: 500, renews: 30_000, wait: 0, stamp: 0 };
    const check = new Check(rule({ algorithm: 'fixed-window' }), 'consumer=acme', 1, 1);
    const lease = new Lease();
    lease.renew(check, told, 1000, 1002);
    expect([lease.verdict(check, 1029), lease.verdict(check, 1030)]).toEqual([true, undefined]);
    // Asked for in the old window, answered in the new one: what was held is void, what came is not.
    lease.renew(check, { ...told, taken: 5, renews: 60_000_000 }, 1029, 1031);
    for (let index = 0; index < 5; index++) {
      expect(lease.verdict(check, 1031)).toBe(true);
      lease.settle(check, true, 1031);
    }
    expect(lease.verdict(check, 1031)).toBeUndefined();
  });

  it('asks exactly where a batch would be less than two tokens, and where only the answer tells the cost', async () => {
    const gateway = instance();
    const small = rule({ name: 'small', limit: 100, window: 86_400_000 });
    const after = rule({ name: 'after', limit: 100_000 });
    for (let index = 0; index < 100; index++) expect(await ask(gateway, small)).toBe('admitted');
    expect(await ask(gateway, small)).toBe('refused');
    const before = await scriptCalls();
    for (let index = 0; index < 20; index++) await gateway.check([new Check(after, 'consumer=acme', 1, 0)]);
    expect(await scriptCalls()).toBe(before + 20);
  });

  it('under several rules takes from all or from none', async () => {
    const gateway = instance();
    const [wide, narrow] = [
      rule({ name: 'wide', limit: 3000 }),
      rule({ name: 'narrow', limit: 200, window: 86_400_000 }),
    ];
    let admitted = 0;
    for (let index = 0; index < 400; index++) if ((await ask(gateway, wide, narrow)) === 'admitted') admitted++;
    expect(admitted).toBe(200);
    const told = new Check(wide, 'consumer=acme', 1, 1);
    await stores[0]!.check([told]);
    // 200 for the requests, one for this check, and what is leased.
    expect(told.remaining).toBeGreaterThanOrEqual(3000 - 201 - 50);
  });

  it('goes on with what it holds when Redis is killed, and then with its share', async () => {
    const gateway = instance();
    const leased = rule({ limit: 9000, window: 86_400_000 });
    for (let index = 0; index < 200; index++) await ask(gateway, leased);
    await server.kill();
    let admitted = 0;
    for (let index = 0; index < 4000; index++) if ((await ask(gateway, leased)) === 'admitted') admitted++;
    expect(admitted).toBeGreaterThanOrEqual(3000);
    expect(admitted).toBeLessThanOrEqual(3000 + 150);
  });
});
