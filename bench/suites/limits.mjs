// What a limit costs: a check by itself, in process and in Redis, and on the way of a proxied request.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '#testing';
import { quantile, round } from '../statistics.mjs';
import { compare, ratioRow } from './compare.mjs';

const built = (path) => import(new URL(`../../dist/libs/rate-limit/src/${path}`, import.meta.url).href);
const KEYS = 1000;
const RATE = 1000;

/** A rule as a checked configuration has it, which refuses nobody. */
const declared = {
  name: 'bench',
  path: '/*',
  methods: [],
  match: { consumer: [], roles: [], plan: [], header: {} },
  algorithm: 'token-bucket',
  limit: 1_000_000,
  window: 1000,
  period: null,
  burst: 1_000_000,
  key: [{ kind: 'ip' }],
  cost: { kind: 'fixed', value: 1 },
  mode: 'enforce',
};

const clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** Milliseconds of each check, sorted. */
async function checksInMemory(count) {
  const [{ MemoryStore }, { Check }, { compileRule }] = await Promise.all(
    ['stores/memory-store.js', 'stores/check.js', 'rules/rule-set.js'].map(built),
  );
  const store = new MemoryStore(clock);
  const rule = compileRule(declared, 0);
  const took = new Float64Array(count);
  for (let index = -count; index < count; index += 1) {
    const check = new Check(rule, `ip=10.0.0.${Math.abs(index) % KEYS}`, 1, 1);
    const before = performance.now();
    store.check([check]);
    if (index >= 0) took[index] = performance.now() - before;
  }
  return took.sort();
}

/** The same with a real Redis, so many in a second as arrive one by one. */
async function checksInRedis(url, seconds) {
  const [{ RedisStore }, { Check }, { compileRule }] = await Promise.all(
    ['stores/redis/redis-store.js', 'stores/check.js', 'rules/rule-set.js'].map(built),
  );
  const redis = new Redis(url);
  const store = new RedisStore({
    redis,
    clock,
    onFailure: () => 'deny',
    instances: () => 1,
    onChange: () => undefined,
  });
  const rule = compileRule(declared, 0);
  const took = [];
  const ask = async () => {
    const before = performance.now();
    const verdict = await store.check([new Check(rule, `ip=10.0.0.${took.length % KEYS}`, 1, 1)]);
    if (verdict !== 'admitted') throw new Error(`a check was ${verdict}`);
    took.push(performance.now() - before);
  };
  const under = [];
  const began = performance.now();
  for (let due = 0; due < seconds * RATE;) {
    const now = (performance.now() - began) * (RATE / 1000);
    while (due < Math.min(now, seconds * RATE)) {
      under.push(ask());
      due += 1;
    }
    await sleep(1);
  }
  await Promise.all(under);
  store.stop();
  redis.disconnect();
  // The first second warms up.
  return took.slice(RATE).sort((a, b) => a - b);
}

const variant = (name, rateLimiting, redis) => ({
  name,
  config: (upstream) => ({
    gateway: {
      upstreams: [{ name: 'shop', targets: [`http://127.0.0.1:${upstream}`] }],
      routes: [{ name: 'shop', path: '/shop', upstream: 'shop' }],
    },
    rateLimiting,
    ...(redis && { redis: { url: redis } }),
  }),
});

/** The one request that is admitted. */
const useUp = async (port) => {
  await (await fetch(`http://127.0.0.1:${port}/shop/items/42`)).arrayBuffer();
};

const latencyRow = (what, milliseconds, must, note) => ({
  what,
  value: round(milliseconds, 4),
  unit: ' ms',
  must,
  note,
});

export const limits = {
  about: 'A check of a limit in process and in Redis, CPU per proxied request with each, and a refusal.',
  options: { rounds: 7, seconds: 2 },
  async run(settings) {
    const server = await startRedis();
    try {
      const memory = await checksInMemory(300_000);
      const redis = await checksInRedis(server.url, 4 + settings.seconds);
      // 20,000 a second for each address: a size that somebody might set, and that one core does not reach.
      const rules = [{ name: 'bench', limit: 20_000, window: '1s' }];
      const refusing = [{ name: 'bench', algorithm: 'fixed-window', limit: 1, window: '1d' }];
      const measured = await compare(
        [
          variant('memory', { rules }),
          variant('none', {}),
          variant('exact', { rules }, server.url),
          variant('leased', { rules, accuracy: 'leased' }, server.url),
          { ...variant('refused', { rules: refusing }), status: 429, prepare: useUp },
        ],
        settings,
      );
      const rate = `${RATE} a second, ${redis.length} checks`;
      return {
        measured,
        rows: [
          latencyRow('check in memory, p99', quantile(memory, 0.99), 0.05, `p50 ${round(quantile(memory, 0.5), 4)} ms`),
          latencyRow('check in Redis, p50', quantile(redis, 0.5), 1, rate),
          latencyRow('check in Redis, p99', quantile(redis, 0.99), 2, rate),
          ratioRow('limit in Redis, exact ÷ limit in memory', measured, ['memory', 'exact'], 1.5),
          ratioRow('limit in Redis, leased ÷ limit in memory', measured, ['memory', 'leased'], 1.1),
          ratioRow('a refusal ÷ a forward', measured, ['memory', 'refused'], 0.7),
        ],
      };
    } finally {
      await server.stop();
    }
  },
};
