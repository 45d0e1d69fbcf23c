import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { type RateLimitAlgorithm } from '#config';
import { FakeClock, type RedisServer, startRedis } from '#testing';
import { compileRule } from '../../rules/rule-set.js';
import { type Rule } from '../../rules/rule.js';
import { Check } from '../check.js';
import { MemoryStore } from '../memory-store.js';
import { checkScript } from './check-script.js';
import { LimiterScript, type Told } from './limiter-script.js';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url, { keyPrefix: 'test:' });
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
});

interface RuleOptions {
  readonly name: string;
  readonly algorithm: RateLimitAlgorithm;
  readonly limit: number;
  readonly window: number;
  readonly burst?: number;
  readonly shadow?: boolean;
  readonly period?: 'day' | 'month' | null;
}

function ruleOf({ name, algorithm, limit, window, burst, shadow, period = null }: RuleOptions): Rule {
  return compileRule(
    {
      name,
      path: '/*',
      methods: [],
      match: { consumer: [], roles: [], plan: [], header: {} },
      algorithm,
      limit,
      window,
      period,
      burst: burst ?? null,
      key: [{ kind: 'ip' }],
      cost: { kind: 'fixed', value: 1 },
      mode: shadow === true ? 'shadow' : 'enforce',
    },
    0,
  );
}

const algorithm = fc.constantFrom<RateLimitAlgorithm>('token-bucket', 'sliding-window', 'fixed-window');

/** Up to three rules, and requests that fall under all of them. */
const scenario = fc
  .array(
    fc.record({
      algorithm,
      // Above 1,000 the sliding window takes its constant-memory form.
      limit: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1001, max: 1003 })),
      // Long ones, because keys expire by the server's clock whatever time the test says.
      window: fc.integer({ min: 1_000_000, max: 100_000_000 }),
      burst: fc.integer({ min: 1, max: 12 }),
      shadow: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .chain((rules) => {
    const longest = Math.max(...rules.map((rule) => rule.window));
    const largest = Math.max(...rules.map((rule) => rule.limit));
    const gap = fc.oneof(
      fc.constant(0),
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 1, max: longest * 400 }),
      fc.integer({ min: 1, max: longest * 1500 }),
    );
    const cost = fc.oneof(
      { weight: 5, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: largest + 1 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 0.1, 0.25, 2.5) },
    );
    return fc.record({
      rules: fc.constant(rules),
      requests: fc.array(fc.record({ gap, cost, after: fc.constantFrom(0, 0, 0, 0, 3) }), {
        minLength: 1,
        maxLength: 40,
      }),
    });
  });

/** Time as the test says, in microseconds; a clock with microseconds for the store in process. */
class TraceClock extends FakeClock {
  override monotonic(): number {
    return this.now();
  }
}

const AT = '(function() local at = table.remove(ARGV) return tonumber(at) end)()';

/** The same script with the time as its last argument. */
class TimedScript {
  readonly script: LimiterScript;
  now = 0;
  holdRefunds = false;
  private readonly held: (() => Promise<unknown>)[] = [];

  constructor(connection: Redis, isCluster = false) {
    const timed = (args: string[]): string[] => [...args, String(this.now)];
    this.script = new LimiterScript(
      {
        isCluster,
        evalsha: (sha, keys, ...args) => {
          const send = (): Promise<unknown> => connection.evalsha(sha, keys, ...timed(args));
          if (!this.holdRefunds || !args.includes('refund')) return send();
          this.held.push(send);
          return Promise.resolve([]);
        },
        eval: (source, keys, ...args) => connection.eval(source, keys, ...timed(args)),
      },
      checkScript(AT),
    );
  }

  async releaseRefunds(): Promise<void> {
    this.holdRefunds = false;
    await Promise.all(this.held.map((send) => send()));
  }
}

describe('the script in Redis', () => {
  it('gives the same verdicts and the same rest as the algorithms in process, on the same traces', async () => {
    const timed = new TimedScript(redis);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ rules, requests }) => {
        run++;
        const compiled = rules.map((rule, index) => ruleOf({ ...rule, name: `run${run}-${index}` }));
        const clock = new TraceClock();
        const memory = new MemoryStore(clock);
        for (const { gap, cost, after } of requests) {
          clock.advance(gap / 1000);
          timed.now = Math.floor(clock.now() * 1000);
          const local = compiled.map((rule) => new Check(rule, 'ip=192.0.2.1', cost, cost));
          const told = await timed.script.check(local);
          memory.check(local);
          expect(told.map(toShown)).toEqual(local.map(shownOf));
          const [first] = local;
          if (after > 0 && first) {
            await timed.script.charge(first, after);
            memory.charge(first, after);
          }
        }
      }),
      { numRuns: 300 },
    );
  }, 120_000);

  it('knows the months as the calendar has them, leap years and all', async () => {
    const timed = new TimedScript(redis);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 40 * 86_400_000 }), { maxLength: 40 }), async (gaps) => {
        const rule = ruleOf({
          name: `month${++run}`,
          algorithm: 'fixed-window',
          limit: 3,
          window: 31 * 86_400_000,
          period: 'month',
        });
        const clock = new TraceClock(Date.UTC(2027, 11, 1));
        const memory = new MemoryStore(clock);
        for (const gap of gaps) {
          clock.advance(gap);
          timed.now = Math.floor(clock.now() * 1000);
          const check = new Check(rule, 'ip=192.0.2.1', 1, 1);
          const told = await timed.script.check([check]);
          memory.check([check]);
          expect(told.map(toShown)).toEqual([shownOf(check)]);
          const next = new Date(clock.now());
          const ends = Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1);
          expect(check.renews).toBe((ends - clock.now()) * 1000);
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe('what the script keeps', () => {
  it('has the names of the contract, the key as the hash tag, and a time to live', async () => {
    const script = new LimiterScript(redis);
    const algorithms = ['token-bucket', 'sliding-window', 'fixed-window'] as const;
    const rules = algorithms.map((each) => ruleOf({ name: each, algorithm: each, limit: 10, window: 60_000 }));
    await script.check(rules.map((rule) => new Check(rule, 'consumer=acme', 1, 1)));
    const raw = new Redis(server.url);
    const keys = (await raw.keys('*')).sort();
    expect(keys).toEqual([
      'test:ratelimit:fixed:{fixed-window|consumer=acme}:60000',
      'test:ratelimit:sliding:{sliding-window|consumer=acme}',
      'test:ratelimit:token:{token-bucket|consumer=acme}',
    ]);
    expect(await Promise.all(keys.map((key) => raw.type(key)))).toEqual(['hash', 'zset', 'hash']);
    for (const key of keys) {
      const life = await raw.pttl(key);
      expect(life).toBeGreaterThan(0);
      expect(life).toBeLessThanOrEqual(60_000);
    }
    raw.disconnect();
  });

  it('stays within 101 entries for a large sliding window', async () => {
    const timed = new TimedScript(redis);
    const rule = ruleOf({ name: 'large', algorithm: 'sliding-window', limit: 1_000_000, window: 3_600_000 });
    for (let minute = 0; minute < 130; minute++) {
      timed.now = 1e15 + minute * 30e6;
      await timed.script.check([new Check(rule, 'ip=192.0.2.1', 1, 1)]);
    }
    expect(await redis.zcard('ratelimit:sliding:{large|ip=192.0.2.1}')).toBeLessThanOrEqual(101);
  });

  it('is left alone by a refusal', async () => {
    const script = new LimiterScript(redis);
    const rules = (['token-bucket', 'sliding-window', 'fixed-window'] as const).map((each) =>
      ruleOf({ name: each, algorithm: each, limit: 10, window: 60_000 }),
    );
    const full = ruleOf({ name: 'full', algorithm: 'token-bucket', limit: 1, window: 60_000 });
    const checks = [full, ...rules].map((rule) => new Check(rule, 'ip=192.0.2.1', 1, 1));
    await script.check(checks);
    const before = await redis.info('commandstats');
    const told = await script.check(checks);
    expect(told.map(({ allowed, taken }) => [allowed, taken])).toEqual([
      [false, 0],
      [true, 0],
      [true, 0],
      [true, 0],
    ]);
    const writes = (info: string): string[] =>
      info.split('\n').filter((line) => /^cmdstat_(hset|set|zadd):/.test(line));
    expect(writes(await redis.info('commandstats'))).toEqual(writes(before));
  });
});

describe('after a restart, when Redis has no scripts', () => {
  it('the script is sent again by whoever needs it first', async () => {
    const script = new LimiterScript(redis);
    const rule = ruleOf({ name: 'reload', algorithm: 'token-bucket', limit: 100, window: 60_000 });
    await script.check([new Check(rule, 'ip=192.0.2.1', 1, 1)]);
    await redis.script('FLUSH');
    const told = await Promise.all(
      Array.from({ length: 20 }, () => script.check([new Check(rule, 'ip=192.0.2.1', 1, 1)])),
    );
    expect(Math.min(...told.flat().map(({ left }) => left))).toBe(79);
  });
});

describe('in a Cluster, where each rule is asked by itself', () => {
  it('a refused request leaves everything as if it had not been', async () => {
    const timed = new TimedScript(redis, true);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ rules, requests }) => {
        run++;
        const compiled = rules.map((rule, index) => ruleOf({ ...rule, name: `slots${run}-${index}` }));
        const clock = new TraceClock();
        const memory = new MemoryStore(clock);
        for (const { gap, cost } of requests) {
          const whole = Math.ceil(cost);
          clock.advance(gap / 1000);
          timed.now = Math.floor(clock.now() * 1000);
          const local = compiled.map((rule) => new Check(rule, 'ip=192.0.2.1', whole, whole));
          const told = await timed.script.check(local);
          await redis.ping();
          memory.check(local);
          expect(told.map(({ allowed }) => allowed)).toEqual(local.map(({ allowed }) => allowed));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('what is given back late is taken out from under what came after it', async () => {
    const timed = new TimedScript(redis, true);
    const sliding = ruleOf({ name: 'sliding', algorithm: 'sliding-window', limit: 5, window: 1_000_000 });
    const single = ruleOf({ name: 'single', algorithm: 'fixed-window', limit: 1, window: 100_000_000_000 });
    const check = (...rules: readonly Rule[]): Promise<Told[]> => {
      timed.now += 1_000_000;
      return timed.script.check(rules.map((rule) => new Check(rule, 'ip=192.0.2.1', 1, 1)));
    };
    timed.now = 1_700_000_000_000_000;
    await check(sliding, single);
    timed.holdRefunds = true;
    await check(sliding, single);
    const [third] = await check(sliding);
    expect(third?.left).toBe(2);
    await timed.releaseRefunds();
    const [fourth] = await check(sliding);
    expect(fourth?.left).toBe(2);
    // The first leaves after a window, the second was given back: the third is the next to leave, two seconds later.
    timed.now = 1_700_000_000_000_000 + 1_000_000_000 + 500_000;
    const [fifth] = await check(sliding);
    expect(fifth).toMatchObject({ left: 2, renews: 1_500_000 });
  });
});

interface Shown {
  readonly allowed: boolean;
  readonly left: number;
  readonly renews: number;
  readonly wait: number;
}

const shownOf = ({ allowed, remaining, renews, wait }: Check): Shown => ({ allowed, left: remaining, renews, wait });
const toShown = ({ allowed, left, renews, wait }: Told): Shown => ({ allowed, left, renews, wait });
