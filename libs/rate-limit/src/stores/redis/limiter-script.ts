import { createHash } from 'node:crypto';
import { type Limit } from '../../algorithms/index.js';
import { type Check, isAdmitted } from '../check.js';
import { checkScript } from './check-script.js';

/** What is needed of a Redis connection, single, Sentinel or Cluster: ioredis has it. */
export interface RedisConnection {
  readonly isCluster: boolean;
  evalsha(sha: string, keys: number, ...args: string[]): Promise<unknown>;
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>;
}

type Mode = 'check' | 'lease' | 'charge' | 'refund';

/** The answer of the script for one rule. */
export interface Told {
  readonly taken: number;
  readonly stamp: number;
}

const KIND = {
  'token-bucket': { code: 't', key: 'token' },
  'sliding-window': { code: 's', key: 'sliding' },
  'fixed-window': { code: 'f', key: 'fixed' },
} as const;
const FIELDS = 6;

/**
 * Calls the script of the limiter.
 *
 * On one server all rules of a request are one atomic call. In a Cluster the keys of a request may live on different
 * servers, and no script spans two: then there is one call for each rule, all at once, still one round trip. If one of
 * them refuses, what the others took is given back. What that costs: between the two, some milliseconds, such a request
 * can make another one be refused that would have had room. It never lets one too many pass.
 */
export class LimiterScript {
  private readonly source: string;
  private readonly sha: string;
  private readonly limits = new WeakMap<Limit, readonly string[]>();

  constructor(
    private readonly redis: RedisConnection,
    private readonly prefix: string,
    source = checkScript(),
  ) {
    this.source = source;
    this.sha = createHash('sha1').update(source).digest('hex');
  }

  /** Asks all, and charges all or none. True: admitted. */
  async check(checks: readonly Check[]): Promise<boolean> {
    if (checks.length === 1 || !this.redis.isCluster) {
      await this.call('check', checks);
      return isAdmitted(checks);
    }
    const told = await Promise.all(checks.map((check) => this.call('check', [check])));
    if (isAdmitted(checks)) return true;
    await Promise.all(checks.map((check, index) => this.refund(check, told[index]?.[0])));
    return false;
  }

  /** Takes as much as there is, up to `most` each and at least what is needed; says how much for each. */
  async lease(checks: readonly Check[], most: readonly number[]): Promise<number[]> {
    if (!this.redis.isCluster) return (await this.call('lease', checks, most)).map(({ taken }) => taken);
    const told = await Promise.all(checks.map((check, index) => this.call('lease', [check], [most[index] ?? 0])));
    return told.map(([first]) => first?.taken ?? 0);
  }

  async charge(check: Check, cost: number): Promise<void> {
    await this.call('charge', [check], [cost]);
  }

  /** Does all that a check does, on a key of its own in the slot of `check`: whether the store works again. */
  async probe(check: Check): Promise<void> {
    await this.run(1, ['check', ...this.fields(check, '1', '1')], [`${this.prefix}ratelimit:probe:{${tagOf(check)}}`]);
  }

  private async refund(check: Check, told: Told | undefined): Promise<void> {
    if (told === undefined || told.taken === 0) return;
    await this.run(1, ['refund', ...this.fields(check, String(told.stamp), String(told.taken))], [this.keyOf(check)]);
  }

  private async call(mode: Mode, checks: readonly Check[], takes?: readonly number[]): Promise<Told[]> {
    const keys: string[] = [];
    const args: string[] = [mode];
    for (const [index, check] of checks.entries()) {
      keys.push(this.keyOf(check));
      args.push(...this.fields(check, String(check.need), String(takes?.[index] ?? check.take)));
    }
    const answer = await this.run(checks.length, args, keys);
    return checks.map((check, index) => read(check, answer, index * FIELDS));
  }

  private async run(count: number, args: readonly string[], keys: readonly string[]): Promise<readonly number[]> {
    try {
      return (await this.redis.evalsha(this.sha, count, ...keys, ...args)) as number[];
    } catch (error) {
      // A server that was restarted, or took over, has no scripts yet.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return (await this.redis.eval(this.source, count, ...keys, ...args)) as number[];
    }
  }

  private keyOf(check: Check): string {
    return `${this.prefix}ratelimit:${KIND[check.rule.limit.algorithm].key}:{${tagOf(check)}}`;
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

/** The name of a rule begins with a letter or digit, so that this is never empty and always the hash tag. */
function tagOf({ rule, key }: Check): string {
  return `${rule.name}|${key}`;
}

function read(check: Check, answer: readonly number[], at: number): Told {
  const wait = answer[at + 4] ?? 0;
  check.allowed = answer[at] === 1;
  check.remaining = answer[at + 2] ?? 0;
  check.renews = answer[at + 3] ?? 0;
  check.wait = wait < 0 ? Infinity : wait;
  return { taken: answer[at + 1] ?? 0, stamp: answer[at + 5] ?? 0 };
}
