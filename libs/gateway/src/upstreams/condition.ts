import { type ActiveHealth } from './active-health.js';
import { type Breaker, type BreakerState } from './breaker.js';
import { type Candidate } from './balance/candidate.js';
import { type Conduct } from './passive-health.js';
import { PeakEwma } from './peak-ewma.js';
import { rampedShare } from './slow-start.js';

/** What there is to a target's condition; `null` is switched off. */
export interface ConditionParts {
  /** Host and port. */
  readonly id: string;
  readonly weight: number;
  readonly breaker: Breaker | null;
  readonly passive: Conduct | null;
  readonly active: ActiveHealth | null;
  /** Milliseconds; 0: none. */
  readonly slowStart: number;
  /** When the target became known. */
  readonly since: number;
}

/** What is shown of a target. Times are those of the clock that was passed in. */
export interface ConditionReport {
  readonly state: 'healthy' | 'unhealthy' | 'ejected' | 'circuit-open';
  readonly since: number;
  readonly breaker: BreakerState | 'off';
  readonly lastCheck: { readonly at: number; readonly good: boolean } | null;
  readonly inFlight: number;
  /** Expected milliseconds to the response head; null while nothing was measured. */
  readonly latency: number | null;
}

/**
 * The condition of one target: everything that decides whether and how much it is used. It outlives balancers and
 * snapshots for as long as the target stays the same, and is kept up to date by the Attempts made at it.
 */
export class Condition implements Candidate {
  readonly id: string;
  readonly breaker: Breaker | null;
  readonly passive: Conduct | null;
  readonly active: ActiveHealth | null;
  inFlight = 0;
  /** An answer under way that would prove it well again. */
  proof: { goesOn(now: number): void } | null = null;
  private readonly weight: number;
  private readonly slowStart: number;
  private readonly knownSince: number;
  private readonly answers = new PeakEwma();

  constructor(parts: ConditionParts) {
    this.id = parts.id;
    this.weight = parts.weight;
    this.breaker = parts.breaker;
    this.passive = parts.passive;
    this.active = parts.active;
    this.slowStart = parts.slowStart;
    this.knownSince = parts.since;
  }

  available(now: number, ignoreHealth: boolean): boolean {
    if (this.weight === 0) return false;
    if (this.proof !== null) this.proof.goesOn(now);
    if (!ignoreHealth && !this.fit(now)) return false;
    return this.breaker === null || this.breaker.admits(now);
  }

  /** It was out, and has not proved itself since. */
  get onProbation(): boolean {
    return this.passive?.onTrial === true || (this.breaker !== null && this.breaker.state !== 'closed');
  }

  share(now: number): number {
    return this.slowStart === 0 ? this.weight : rampedShare(this.weight, this.usableSince(), this.slowStart, now);
  }

  /** With requests under way the estimate does not fade: a target that hangs must not look better and better. */
  latency(now: number): number {
    return this.inFlight > 0 ? this.answers.value : this.answers.faded(now);
  }

  answeredIn(ms: number, failed: boolean, now: number): void {
    if (failed) this.answers.observeFailure(ms, now);
    else this.answers.observe(ms, now);
  }

  report(now: number): ConditionReport {
    const { breaker, active, passive } = this;
    const unhealthy = active !== null && !active.healthy;
    const ejected = passive !== null && now < passive.ejectedUntil;
    const broken = breaker !== null && breaker.state === 'open';
    return {
      state: unhealthy ? 'unhealthy' : ejected ? 'ejected' : broken ? 'circuit-open' : 'healthy',
      since: unhealthy
        ? active.changedAt
        : ejected
          ? passive.ejectedAt
          : broken
            ? breaker.changedAt
            : this.usableSince(),
      breaker: breaker?.state ?? 'off',
      lastCheck: active?.lastCheck ?? null,
      inFlight: this.inFlight,
      latency: this.answers.value === 0 ? null : this.answers.value,
    };
  }

  private fit(now: number): boolean {
    return (this.active === null || this.active.healthy) && (this.passive === null || this.passive.admits(now));
  }

  /** The last time that anything let it back in. */
  private usableSince(): number {
    const { knownSince, active, passive, breaker } = this;
    let since = knownSince;
    if (active !== null && active.changedAt > since) since = active.changedAt;
    if (passive !== null && passive.ejectedUntil > since) since = passive.ejectedUntil;
    if (breaker !== null && breaker.changedAt > since) since = breaker.changedAt;
    return since;
  }
}
