import { createHash } from 'node:crypto';
import { type Limit } from '../../algorithms/index.js';
import { type Check } from '../check.js';
import { checkScript } from './check-script.js';

/** What is needed of a Redis connection, single, Sentinel or Cluster: ioredis has it. Prefixes of keys are its affair. */
export interface RedisCommands {
  readonly isCluster: boolean;
  evalsha(sha: string, keys: number, ...args: string[]): Promise<unknown>;
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>;
}

/** What the script says of one rule. Times are in microseconds. */
export interface Told {
  readonly allowed: boolean;
  readonly taken: number;
  readonly left: number;
  readonly renews: number;
  readonly wait: number;
  /** When it was charged, or in which fixed window, in milliseconds: what it takes to give `taken` back. */
  readonly stamp: number;
}

const KIND = {
  'token-bucket': { code: 't', key: 'token' },
  'sliding-window': { code: 's', key: 'sliding' },
  'fixed-window': { code: 'f', key: 'fixed' },
} as const;
const FIELDS = 6;
/** A bucket of a million tokens a second: it always admits, so that it always writes. */
const PROBE = ['check', 't', '1', '1', '1000000', '1000000', '1000000', '1', '0'];

/**
 * Calls the script of the limiter.
 *
 * On one server all rules of a request are one atomic call. In a Cluster the keys of a request may live on different
 * servers, and no script spans two: then there is one call for each rule, all at once, still one round trip. If one of
 * them refuses, what the others took is given back. What that costs: in between, some milliseconds, such a request can
 * make another one be refused that would have had room. It never lets one too many pass.
 */
export class LimiterScript {
  private readonly sha: string;
  private readonly limits = new WeakMap<Limit, readonly string[]>();

  constructor(
    private readonly redis: RedisCommands,
    private readonly source = checkScript(),
  ) {
    this.sha = createHash('sha1').update(source).digest('hex');
  }

  /** Asks all, and charges all or none. */
  async check(checks: readonly Check[]): Promise<Told[]> {
    if (checks.length === 1 || !this.redis.isCluster) return this.call('check', checks);
    const told = (await Promise.all(checks.map((check) => this.call('check', [check])))).flat();
    const refused = told.some(({ allowed }, index) => !allowed && checks[index]?.rule.shadow === false);
    if (refused) this.giveBack(checks, told);
    return told;
  }

  /** Takes as much as there is for each, up to `most` and at least what it needs. */
  async lease(checks: readonly Check[], most: readonly number[]): Promise<Told[]> {
    if (checks.length === 1 || !this.redis.isCluster) return this.call('lease', checks, most);
    return (
      await Promise.all(checks.map((check, index) => this.call('lease', [check], most.slice(index, index + 1))))
    ).flat();
  }

  async charge(check: Check, cost: number): Promise<void> {
    await this.call('charge', [check], [cost]);
  }

  /** Loads, reads and writes, on a key of its own in the slot of `check`: whether that server can be used again. */
  async probe(check: Check): Promise<void> {
    await this.run([`ratelimit:probe:{${tagOf(check)}}`], PROBE);
  }

  /** The client is not kept waiting for it; when it fails, the tokens come back with time as all do. */
  private giveBack(checks: readonly Check[], told: readonly Told[]): void {
    for (const [index, check] of checks.entries()) {
      const { taken = 0, stamp = 0 } = told[index] ?? {};
      if (taken === 0) continue;
      const fields = this.fields(check, String(stamp), String(taken));
      this.run([keyOf(check)], ['refund', ...fields]).catch(() => undefined);
    }
  }

  private async call(mode: string, checks: readonly Check[], takes?: readonly number[]): Promise<Told[]> {
    const args = [mode];
    for (const [index, check] of checks.entries()) {
      args.push(...this.fields(check, String(check.need), String(takes?.[index] ?? check.take)));
    }
    const answer = await this.run(checks.map(keyOf), args);
    return checks.map((_, index) => read(answer, index * FIELDS));
  }

  private async run(keys: readonly string[], args: readonly string[]): Promise<readonly number[]> {
    try {
      return (await this.redis.evalsha(this.sha, keys.length, ...keys, ...args)) as number[];
    } catch (error) {
      // A server that was restarted, or took over, has no scripts yet.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return (await this.redis.eval(this.source, keys.length, ...keys, ...args)) as number[];
    }
  }

  private fields({ rule }: Check, need: string, take: string): string[] {
    let fixed = this.limits.get(rule.limit);
    if (fixed === undefined) {
      const { limit, window, capacity, grain } = rule.limit;
      fixed = [limit, window, capacity, grain, rule.shadow ? 1 : 0].map(String);
      this.limits.set(rule.limit, fixed);
    }
    return [KIND[rule.limit.algorithm].code, need, take, ...fixed];
  }
}

function keyOf(check: Check): string {
  return `ratelimit:${KIND[check.rule.limit.algorithm].key}:{${tagOf(check)}}`;
}

/** The name of a rule begins with a letter or digit, so that this is never empty and always the hash tag. */
function tagOf({ rule, key }: Check): string {
  return `${rule.name}|${key}`;
}

function read(answer: readonly number[], at: number): Told {
  const wait = answer[at + 4] ?? 0;
  return {
    allowed: answer[at] === 1,
    taken: answer[at + 1] ?? 0,
    left: answer[at + 2] ?? 0,
    renews: answer[at + 3] ?? 0,
    wait: wait < 0 ? Infinity : wait,
    stamp: answer[at + 5] ?? 0,
  };
}
