import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '#kernel';
import { RedisConnection } from '#storage';
import { limitRule, type RedisServer, startRedis } from '#testing';
import { type Rule } from '../../rules/rule.js';
import { compileRule } from '../../rules/rule-set.js';
import { Check } from '../check.js';
import { type Verdict } from '../limiter-store.js';
import { type BreakerState } from './breaker.js';
import { type OnStoreFailure, RedisStore } from './redis-store.js';

const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let server: RedisServer;
let connection: RedisConnection;
let store: RedisStore;
let changes: BreakerState[];
let onChange: () => void;
let onFailure: OnStoreFailure;
let instances: number;

beforeEach(async () => {
  server = await startRedis();
  connection = RedisConnection.open(
    { url: server.url, sentinels: [], master: null, cluster: [], tls: null, keyPrefix: '' },
    QUIET,
  )!;
  await becomes('connected');
  changes = [];
  onChange = () => undefined;
  onFailure = 'local';
  instances = 1;
  store = open(10_000);
});
afterEach(async () => {
  store.stop();
  connection.close();
  await server.stop();
});

/** A busy machine must not look like a Redis that hangs, except where that is the point. */
function open(patience: number): RedisStore {
  return new RedisStore({
    redis: connection.client,
    patience,
    clock: systemClock,
    onFailure: () => onFailure,
    instances: () => instances,
    onChange: (state) => {
      changes.push(state);
      onChange();
    },
  });
}

async function becomes(state: 'connected' | 'disconnected'): Promise<void> {
  if (connection.state === state) return;
  await new Promise<void>((resolve) => {
    connection.onChange((now) => {
      if (now === state) resolve();
    });
  });
}

async function breakerBecomes(state: 'open' | 'closed'): Promise<void> {
  while (store.state.state !== state) {
    await new Promise<void>((resolve) => {
      onChange = resolve;
    });
  }
}

const hundred = compileRule(limitRule({ name: 'hundred', limit: 100, window: 3_600_000 }), 0);

async function ask(rule: Rule = hundred, key = 'ip=192.0.2.1'): Promise<{ verdict: Verdict; check: Check }> {
  const check = new Check(rule, key, 1, 1);
  return { verdict: await store.check([check]), check };
}

async function admittedOf(count: number, rule: Rule = hundred): Promise<number> {
  const asked = await Promise.all(Array.from({ length: count }, () => ask(rule)));
  return asked.filter(({ verdict }) => verdict === 'admitted').length;
}

describe('with Redis there', () => {
  it('admits the limit exactly, whoever asks, and tells what is left', async () => {
    expect(await admittedOf(150)).toBe(100);
    const { verdict, check } = await ask();
    expect(verdict).toBe('refused');
    expect(check).toMatchObject({ allowed: false, remaining: 0 });
    expect(check.wait).toBeGreaterThan(30e6);
    expect(check.wait).toBeLessThanOrEqual(36e6);
  });

  it('counts what is charged afterwards', async () => {
    const { check } = await ask();
    store.charge(check, 60);
    expect((await ask()).check.remaining).toBe(38);
  });

  it('a key that somebody spoilt is counted here, and the others are not affected', async () => {
    await connection.client.set('ratelimit:token:{hundred|ip=192.0.2.9}', 'spoilt');
    expect((await ask(hundred, 'ip=192.0.2.9')).verdict).toBe('admitted');
    expect(store.state.state).toBe('closed');
    expect((await ask()).verdict).toBe('admitted');
  });
});

describe('with Redis killed', () => {
  it.each([
    ['local', 'admitted'],
    ['allow', 'unchecked'],
    ['deny', 'unavailable'],
  ] as const)('%s answers %s, without asking', async (choice, expected) => {
    onFailure = choice;
    await ask();
    await server.kill();
    expect((await ask()).verdict).toBe(expected);
    await breakerBecomes('open');
    expect(store.check([new Check(hundred, 'ip=192.0.2.1', 1, 1)])).toBe(expected);
    expect(store.state.reason).not.toBe('');
  });

  it('local enforces limit ÷ instances, at least 1, and follows their number', async () => {
    await ask();
    await server.kill();
    await ask();
    await breakerBecomes('open');
    instances = 4;
    const small = compileRule(limitRule({ name: 'small', limit: 2, window: 3_600_000 }), 0);
    const other = compileRule(limitRule({ name: 'other', limit: 100, window: 3_600_000 }), 0);
    expect(await admittedOf(50, other)).toBe(25);
    expect(await admittedOf(50, small)).toBe(1);
    instances = 2;
    expect(await admittedOf(50, other)).toBe(25);
  });

  it('shared limits hold again when it is back', async () => {
    await ask();
    await server.kill();
    await ask();
    await breakerBecomes('open');
    await server.restart();
    await breakerBecomes('closed');
    expect(await admittedOf(150)).toBe(100);
    expect(changes.map(({ state }) => state)).toEqual(['open', 'closed']);
  });

  it('is asked by one probe at a time, not by the requests, until it is back', async () => {
    await ask();
    await server.kill();
    await ask();
    await breakerBecomes('open');
    let asked = 0;
    const requests = setInterval(() => {
      for (let index = 0; index < 20; index++) void ask();
      asked += 20;
    }, 5);
    await server.restart();
    await becomes('connected');
    const { client } = connection;
    const before = await callsOf();
    await breakerBecomes('closed');
    clearInterval(requests);
    const commands = (await callsOf()) - before;
    expect(asked).toBeGreaterThan(20);
    // The probe as a hash and then as the source, and what came in with the last tick.
    expect(commands).toBeLessThanOrEqual(2 + 2 * 20);

    async function callsOf(): Promise<number> {
      const stats = await client.info('commandstats');
      return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce(
        (sum, [, calls]) => sum + Number(calls),
        0,
      );
    }
  });
});

describe('with Redis hanging', () => {
  it('those under way wait once, for a tenth of a second; then nobody does', async () => {
    await ask();
    store = open(100);
    server.pause();
    const start = performance.now();
    const first = await Promise.all(Array.from({ length: 50 }, () => ask()));
    const waited = performance.now() - start;
    expect(first.every(({ verdict }) => verdict === 'admitted')).toBe(true);
    expect(waited).toBeGreaterThanOrEqual(99);
    expect(store.state).toMatchObject({ state: 'open', reason: 'no answer within 100 ms' });
    expect(store.check([new Check(hundred, 'ip=192.0.2.1', 1, 1)])).toBe('admitted');
    server.resume();
    await breakerBecomes('closed');
    // What was sent before it hung is counted, late: never too little.
    expect((await ask()).check.remaining).toBeLessThanOrEqual(48);
  });

  it('our own process standing still is not taken for it, even for longer than its client waits', async () => {
    await ask();
    store = open(100);
    const answer = ask();
    const until = performance.now() + 800;
    while (performance.now() < until);
    expect((await answer).verdict).toBe('admitted');
    expect(changes).toEqual([]);
  });
});

describe('with Redis read-only, as in a failover', () => {
  it('limits are enforced here until it takes writes again', async () => {
    await ask();
    const operator = new Redis(server.url);
    await operator.replicaof('127.0.0.1', '1');
    expect((await ask()).verdict).toBe('admitted');
    await breakerBecomes('open');
    expect(store.state.reason).toMatch(/^READONLY/);
    await operator.replicaof('NO', 'ONE');
    operator.disconnect();
    await breakerBecomes('closed');
    expect((await ask()).check.remaining).toBe(98);
  });
});
