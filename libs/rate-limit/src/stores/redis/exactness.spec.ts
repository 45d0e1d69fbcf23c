import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { type RateLimitRule } from '#config';
import { limitRule, type RedisServer, startRedis } from '#testing';
import { compileRule } from '../../rules/rule-set.js';
import { Check } from '../check.js';
import { LimiterScript, type Told } from './limiter-script.js';

const CONNECTIONS = 4;
const LOOPS = 16;
const ADMISSIONS = 2000;

let server: RedisServer;
let clients: Redis[];

beforeEach(async () => {
  server = await startRedis();
  clients = Array.from({ length: CONNECTIONS }, () => new Redis(server.url));
});
afterEach(async () => {
  for (const client of clients) client.disconnect();
  await server.stop();
});

/** Several connections ask for one key as fast as they can, until so many requests were admitted. */
async function hammer(fields: Partial<RateLimitRule>): Promise<Told[]> {
  const rule = compileRule(limitRule(fields), 0);
  const admitted: Told[] = [];
  await Promise.all(
    clients.flatMap((client) => {
      const script = new LimiterScript(client);
      return Array.from({ length: LOOPS }, async () => {
        while (admitted.length < ADMISSIONS) {
          const [told] = await script.check([new Check(rule, 'ip=192.0.2.1', 1, 1)]);
          if (told?.allowed === true) admitted.push(told);
        }
      });
    }),
  );
  return admitted.sort((a, b) => a.stamp - b.stamp);
}

describe('several connections that hammer one key', () => {
  it('get exactly the limit of each fixed window', async () => {
    const admitted = await hammer({ algorithm: 'fixed-window', limit: 400, window: 200 });
    const windows = new Map<number, Told[]>();
    for (const told of admitted) windows.set(told.stamp, [...(windows.get(told.stamp) ?? []), told]);
    for (const inside of windows.values()) {
      const left = Math.min(...inside.map((told) => told.left));
      expect(inside).toHaveLength(400 - left);
    }
    expect([...windows.keys()].every((start) => start % 200_000 === 0)).toBe(true);
  });

  it('get never more than the limit in any window of the server’s time that slides', async () => {
    const admitted = await hammer({ algorithm: 'sliding-window', limit: 300, window: 200 });
    for (let index = 300; index < admitted.length; index++) {
      expect(admitted[index]!.stamp - admitted[index - 300]!.stamp).toBeGreaterThanOrEqual(200_000);
    }
  });

  it('get never more than burst + rate × time from a bucket, in any stretch', async () => {
    const [limit, window, burst] = [400, 200_000, 100];
    const admitted = await hammer({ limit, window: window / 1000, burst });
    // A stretch from i to j holds j − i + 1 ≤ burst + rate × (tⱼ − tᵢ). With f(i) = i − rate × tᵢ that is f(j) − f(i) ≤ burst − 1.
    const begin = admitted[0]!.stamp;
    let lowest = Infinity;
    for (const [index, { stamp }] of admitted.entries()) {
      const ahead = index * window - (stamp - begin) * limit;
      lowest = Math.min(lowest, ahead);
      expect(ahead - lowest).toBeLessThanOrEqual((burst - 1) * window);
    }
  });
});
