import { type HealthConfig } from '#config';
import { type Exchange } from '#kernel';
import { type Balancer } from './balance/candidate.js';
import { type ConcurrencyLimit } from './concurrency/concurrency-limit.js';
import { type PassiveHealth } from './passive-health.js';
import { RetryBudget } from './retry-budget.js';
import { type NoTarget, selectTarget } from './select-target.js';
import { type Target } from './target.js';

export interface UpstreamParts {
  readonly name: string;
  /** Of the configuration it was made from. */
  readonly fingerprint: string;
  readonly limit: ConcurrencyLimit;
  readonly passive: PassiveHealth | null;
  readonly allDown: HealthConfig['allDown'];
  readonly balance: (targets: readonly Target[]) => Balancer<Target>;
  /** What `balance: hash` goes by. */
  readonly hashKey: ((exchange: Exchange) => string) | null;
}

/** A named service: its targets, and which of them takes the next request. Lives on across snapshots while its configuration stays the same. */
export class Upstream {
  readonly budget = new RetryBudget();
  private current: readonly Target[] = [];
  private balancer: Balancer<Target>;
  private readonly closers: (() => void)[] = [];

  constructor(private readonly parts: UpstreamParts) {
    this.balancer = parts.balance([]);
  }

  get name(): string {
    return this.parts.name;
  }
  get fingerprint(): string {
    return this.parts.fingerprint;
  }
  get limit(): ConcurrencyLimit {
    return this.parts.limit;
  }
  get targets(): readonly Target[] {
    return this.current;
  }

  /** Those that are gone finish what they have. */
  setTargets(targets: readonly Target[], now: number): void {
    const gone = this.current.filter((target) => !targets.includes(target));
    this.current = targets;
    this.balancer = this.parts.balance(targets);
    for (const target of gone) {
      target.pool.close();
      if (target.passive !== null) this.parts.passive?.leave(target.passive, now);
    }
  }

  /** The target of the next try. */
  select(exchange: Exchange, tried: readonly Target[], now: number): Target | NoTarget {
    const key = this.parts.hashKey?.(exchange);
    return selectTarget(this.balancer, this.current, this.parts.allDown, tried, key, now);
  }

  onClose(close: () => void): void {
    this.closers.push(close);
  }

  /** Exchanges under way finish; kept connections and checks go. */
  close(): void {
    for (const close of this.closers) close();
    for (const target of this.current) target.pool.close();
  }
}
