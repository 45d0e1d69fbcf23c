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
  /** When it was charged, or when its fixed window began: what it takes to give `taken` back. */
  readonly stamp: number;
}

const KIND = {
  'token-bucket': { code: 't', key: 'token' },
  'sliding-window': { code: 's', key: 'sliding' },
  'fixed-window': { code: 'f', key: 'fixed' },
} as const;
const FIELDS = 6;
/** Requests that share a call, at most: others are waiting for Redis too. */
const MOST_TOGETHER = 64;
/** A bucket of a million tokens a second: it always admits, so that it always writes. */
const PROBE = ['check', 't', '1', '1', '1000000', '1000000', '1000000', '1', '2'];

interface Waiting {
  readonly checks: readonly Check[];
  readonly resolve: (told: Told[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Calls the script of the limiter.
 *
 * On one server all rules of a request are one atomic step, and the requests that come in during one turn of the event
 * loop share a call, which costs a fraction of a call for each. In a Cluster the keys of a request may live on different
 * servers, and no script spans two: then there is one call for each rule, all at once, still one round trip. If one of
 * them refuses, what the others took is given back. What that costs: in between, some milliseconds, such a request can
 * make another one be refused that would have had room. It never lets one too many pass.
 */
export class LimiterScript {
  private readonly sha: string;
  private readonly limits = new WeakMap<Limit, readonly string[]>();
  private waiting: Waiting[] = [];

  constructor(
    private readonly redis: RedisCommands,
    private readonly source = checkScript(),
  ) {
    this.sha = createHash('sha1').update(source).digest('hex');
  }

  /** Asks all, and charges all or none. */
  check(checks: readonly Check[]): Promise<Told[]> {
    if (this.redis.isCluster) return this.checkApart(checks);
    return new Promise((resolve, reject) => {
      if (this.waiting.push({ checks, resolve, reject }) === 1) setImmediate(() => this.flush());
      else if (this.waiting.length === MOST_TOGETHER) this.flush();
    });
  }

  /** Takes as much as there is for each, up to `most` and at least what it needs. */
  async lease(checks: readonly Check[], most: readonly number[]): Promise<Told[]> {
    const apart = checks.map((check, index) => this.call('lease', [check], most[index]));
    return (await Promise.all(apart)).flat();
  }

  async charge(check: Check, cost: number): Promise<void> {
    await this.call('charge', [check], cost);
  }

  async forget(check: Check): Promise<void> {
    await this.call('forget', [check], 0);
  }

  /** Loads, reads and writes, on a key of its own in the slot of `check`: whether that server can be used again. */
  async probe(check: Check): Promise<void> {
    await this.run([`ratelimit:probe:{${tagOf(check)}}`], PROBE);
  }

  private flush(): void {
    const together = this.waiting;
    if (together.length === 0) return;
    this.waiting = [];
    const keys: string[] = [];
    const args = ['check'];
    for (const { checks } of together) {
      for (const check of checks) {
        const first = check === checks[0];
        keys.push(keyOf(check));
        args.push(codeOf(check), String(check.need), String(check.take));
        args.push(...this.constants(check, first));
      }
    }
    this.run(keys, args).then(
      (answer) => {
        let at = 0;
        for (const { checks, resolve, reject } of together) {
          const told = read(checks, answer, at);
          at += checks.length * FIELDS;
          if (told) resolve(told);
          else reject(new Error(SPOILT));
        }
      },
      (error: unknown) => {
        for (const { reject } of together) reject(error);
      },
    );
  }

  private async checkApart(checks: readonly Check[]): Promise<Told[]> {
    const told = (await Promise.all(checks.map((check) => this.call('check', [check])))).flat();
    const refused = told.some(({ allowed }, index) => !allowed && checks[index]?.rule.shadow === false);
    if (refused) this.giveBack(checks, told);
    return told;
  }

  /** The client is not kept waiting for it; when it fails, the tokens come back with time as all do. */
  private giveBack(checks: readonly Check[], told: readonly Told[]): void {
    for (const [index, check] of checks.entries()) {
      const { taken = 0, stamp = 0 } = told[index] ?? {};
      if (taken > 0) this.call('refund', [check], taken, stamp).catch(() => undefined);
    }
  }

  private async call(mode: string, checks: readonly [Check], take?: number, need?: number): Promise<Told[]> {
    const [check] = checks;
    const args = [
      mode,
      codeOf(check),
      String(need ?? check.need),
      String(take ?? check.take),
      ...this.constants(check, true),
    ];
    const told = read(checks, await this.run([keyOf(check)], args), 0);
    if (!told) throw new Error(SPOILT);
    return told;
  }

  private async run(keys: readonly string[], args: readonly string[]): Promise<readonly number[]> {
    const ask = (): Promise<unknown> => this.redis.evalsha(this.sha, keys.length, ...keys, ...args);
    try {
      return (await ask()) as number[];
    } catch (error) {
      const message = error instanceof Error ? error.message : '';
      // A server that was restarted, or took over, has no scripts yet.
      if (message.startsWith('NOSCRIPT')) {
        return (await this.redis.eval(this.source, keys.length, ...keys, ...args)) as number[];
      }
      // The breaker gives up much earlier than the client: when the client is first, this process stood still, and its
      // timers ran before the answer was read. To be charged twice is better than to be counted elsewhere.
      if (message === 'Command timed out') return (await ask()) as number[];
      throw error;
    }
  }

  /** What the script has to know of a rule, and whether a request begins with it. */
  private constants({ rule }: Check, first: boolean): readonly string[] {
    let known = this.limits.get(rule.limit);
    if (known === undefined) {
      const { limit, window, capacity, grain } = rule.limit;
      known = [limit, window, capacity, grain].map(String);
      this.limits.set(rule.limit, known);
    }
    return [...known, String((rule.shadow ? 1 : 0) + (first ? 2 : 0))];
  }
}

const SPOILT = 'ERR a key of the limiter holds something else';

function codeOf({ rule }: Check): string {
  return rule.limit.period === 'month' ? 'm' : KIND[rule.limit.algorithm].code;
}

function keyOf(check: Check): string {
  const { algorithm, window, period } = check.rule.limit;
  const key = `ratelimit:${KIND[algorithm].key}:{${tagOf(check)}}`;
  return algorithm === 'fixed-window' ? `${key}:${period === 'month' ? period : window / 1000}` : key;
}

/** The name of a rule begins with a letter or digit, so that this is never empty and always the hash tag. */
function tagOf({ rule, key }: Check): string {
  return `${rule.name}|${key}`;
}

/** Undefined: a key holds something else, and nothing was decided. */
function read(checks: readonly Check[], answer: readonly number[], begin: number): Told[] | undefined {
  if (answer[begin] === -1) return undefined;
  return checks.map((_, index) => {
    const at = begin + index * FIELDS;
    const wait = answer[at + 4] ?? 0;
    return {
      allowed: answer[at] === 1,
      taken: answer[at + 1] ?? 0,
      left: answer[at + 2] ?? 0,
      renews: answer[at + 3] ?? 0,
      wait: wait < 0 ? Infinity : wait,
      stamp: answer[at + 5] ?? 0,
    };
  });
}
