import { type FailureKind } from '../forward/http1/upstream-failure.js';
import { type RetryBudget } from './retry-budget.js';

export interface RetrySettings {
  /** Retries after the first try. */
  readonly attempts: number;
  readonly when: readonly ('connect' | 'reset' | 'timeout' | number)[];
  /** Upper case. */
  readonly methods: readonly string[];
  /** Share of requests that may be retries, 0 to 1. */
  readonly budget: number;
  /** Milliseconds. */
  readonly backoff: number;
}

/** What became of a try. */
export interface Tried {
  readonly method: string;
  /** How it failed, or the status that it was answered with. */
  readonly outcome: FailureKind | number;
  /** Retries that were made before. */
  readonly retries: number;
  /** `whole`: none, not sent yet, or kept. `consumed`: some of it has gone to the target and was not kept. */
  readonly body: 'whole' | 'consumed';
  /** The client has been sent some of an answer. */
  readonly responseStarted: boolean;
  /** Milliseconds that the exchange may still take; Infinity when it has no limit. */
  readonly timeLeft: number;
}

/** Why there is no (further) retry. */
export type NoRetry =
  | 'response started'
  | 'body consumed'
  | 'not asked for'
  | 'method'
  | 'attempts used up'
  | 'no time left'
  | 'budget used up';

const LONGEST_PAUSE = 1000;

/**
 * Whether a request is tried again.
 *
 * Algorithm: never after the client has seen a byte, never with a body that is gone; then what the configuration asks for;
 * last the budget, so that only retries that happen are paid for. The pause doubles with each retry and is drawn between
 * nothing and that (full jitter), so that retries don't come in waves.
 * Cost: a few comparisons, after failures only; nothing is allocated.
 * Limits: `methods` are those that may reach a target twice. A connection that was never made has carried nothing: then any
 * method is tried again, a POST too, and when it was refused outright the budget is not charged.
 * Failure mode: when in doubt, no retry.
 */
export class RetryPolicy {
  private readonly faults: ReadonlySet<string>;
  private readonly statuses: ReadonlySet<number>;
  private readonly methods: ReadonlySet<string>;

  constructor(private readonly settings: RetrySettings) {
    this.faults = new Set(settings.when.filter((when) => typeof when === 'string'));
    this.statuses = new Set(settings.when.filter((when) => typeof when === 'number'));
    this.methods = new Set(settings.methods);
  }

  /** Milliseconds to wait before the retry, or why there is none. `random`: 0 ≤ x < 1. */
  decide(tried: Tried, budget: RetryBudget, now: number, random: number): number | NoRetry {
    const { settings } = this;
    if (tried.responseStarted) return 'response started';
    if (tried.body === 'consumed') return 'body consumed';
    if (!this.isAskedFor(tried.outcome)) return 'not asked for';
    if (!wasNeverSent(tried.outcome) && !this.methods.has(tried.method)) return 'method';
    if (tried.retries >= settings.attempts) return 'attempts used up';
    const pause = random * Math.min(settings.backoff * 2 ** tried.retries, Math.max(settings.backoff, LONGEST_PAUSE));
    if (pause >= tried.timeLeft) return 'no time left';
    if (tried.outcome !== 'connect' && !budget.take(settings.budget, now)) return 'budget used up';
    return pause;
  }

  private isAskedFor(outcome: FailureKind | number): boolean {
    if (typeof outcome === 'number') return this.statuses.has(outcome);
    switch (outcome) {
      case 'connect':
      case 'version':
        return this.faults.has('connect');
      case 'connect-timeout':
        return this.faults.has('connect') || this.faults.has('timeout');
      case 'timeout':
        return this.faults.has('timeout');
      case 'stale':
      case 'refused':
      case 'reset':
      case 'protocol':
        return this.faults.has('reset');
    }
  }
}

function wasNeverSent(outcome: FailureKind | number): boolean {
  return outcome === 'connect' || outcome === 'connect-timeout' || outcome === 'version' || outcome === 'refused';
}
