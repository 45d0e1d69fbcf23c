import { type Clock } from '#kernel';
import { type Limit } from '../../algorithms/index.js';
import { type Check, isAdmitted } from '../check.js';
import { type LimiterStore, type Verdict } from '../limiter-store.js';
import { MemoryStore } from '../memory-store.js';
import { AWAY, Breaker, type BreakerState } from './breaker.js';
import { LimiterScript, type RedisCommands, type Told } from './limiter-script.js';

export type OnStoreFailure = 'local' | 'allow' | 'deny';

export interface RedisStoreOptions {
  readonly redis: RedisCommands;
  readonly clock: Clock;
  readonly onFailure: () => OnStoreFailure;
  /** How many instances share the limits; asked while Redis is away, so it must be known without Redis. */
  readonly instances: () => number;
  readonly onChange: (state: BreakerState) => void;
  /** Milliseconds that a request waits for a Redis that answers nobody. */
  readonly patience?: number;
}

const PATIENCE_MS = 100;

/**
 * Counts in Redis, shared by all instances: exact, one round trip for each request. While Redis is away: `local` enforces
 * limit ÷ instances in this process (at least 1), so that all together admit at most the limit, or one for each instance;
 * `allow` admits; `deny` refuses all.
 */
export class RedisStore implements LimiterStore {
  private readonly script: LimiterScript;
  private readonly breaker: Breaker<Check>;
  private readonly local: MemoryStore;
  private readonly shares = new WeakMap<Limit, { readonly instances: number; readonly limit: Limit }>();

  constructor(private readonly options: RedisStoreOptions) {
    this.script = new LimiterScript(options.redis);
    this.local = new MemoryStore(options.clock, undefined, (limit) => this.shareOf(limit));
    this.breaker = new Breaker({
      patience: options.patience ?? PATIENCE_MS,
      probe: (suspect) => this.script.probe(suspect),
      now: () => options.clock.now(),
      onChange: options.onChange,
    });
  }

  get state(): BreakerState {
    return this.breaker.state;
  }

  get isAway(): boolean {
    return this.breaker.isOpen;
  }

  check(checks: readonly Check[]): Verdict | Promise<Verdict> {
    const [first] = checks;
    if (first === undefined) return 'admitted';
    if (this.breaker.isOpen) return this.checkWithout(checks);
    return this.breaker.call(first, () => this.script.check(checks)).then((told) => this.conclude(checks, told));
  }

  charge(check: Check, cost: number): void {
    if (this.breaker.isOpen) this.local.charge(check, cost);
    else void this.breaker.call(check, () => this.script.charge(check, cost));
  }

  async forget(check: Check): Promise<boolean> {
    this.local.forget(check);
    const done = await this.breaker.call(check, () => this.script.forget(check));
    return done !== AWAY;
  }

  /** Takes tokens to spend here later; null while Redis is away. */
  async lease(checks: readonly Check[], most: readonly number[]): Promise<readonly Told[] | null> {
    const [first] = checks;
    if (first === undefined) return [];
    const told = await this.breaker.call(first, () => this.script.lease(checks, most));
    return told === AWAY ? null : told;
  }

  /** What is done while Redis is away. */
  checkWithout(checks: readonly Check[]): Verdict {
    const choice = this.options.onFailure();
    if (choice === 'local') return this.local.check(checks);
    return choice === 'allow' ? 'unchecked' : 'unavailable';
  }

  stop(): void {
    this.breaker.stop();
  }

  private conclude(checks: readonly Check[], told: readonly Told[] | typeof AWAY): Verdict {
    if (told === AWAY) return this.checkWithout(checks);
    for (const [index, check] of checks.entries()) {
      const said = told[index];
      if (said) check.set(said.allowed, said.left, said.renews, said.wait);
    }
    return isAdmitted(checks) ? 'admitted' : 'refused';
  }

  private shareOf(limit: Limit): Limit {
    const instances = Math.max(1, this.options.instances());
    const known = this.shares.get(limit);
    if (known?.instances === instances) return known.limit;
    const part = (whole: number): number => Math.max(1, Math.floor(whole / instances));
    const share = { ...limit, limit: part(limit.limit), capacity: part(limit.capacity) };
    this.shares.set(limit, { instances, limit: share });
    return share;
  }
}
