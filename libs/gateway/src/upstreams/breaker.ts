import { RollingCount } from './rolling-count.js';

export interface BreakerSettings {
  /** Share of failures that opens it, 0 to 1. */
  readonly failures: number;
  /** Calls within the window below which it never opens. */
  readonly minimum: number;
  readonly window: number;
  readonly open: number;
  /** Calls that may be under way at once while it is half open. */
  readonly probes: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

const BUCKETS = 10;
/** The ticket of a call that was sent although the breaker did not admit it: what comes of it says nothing. */
const UNASKED = -1;

/**
 * Circuit breaker of one target.
 *
 * Algorithm: closed, it counts calls and failures over a rolling window and opens at the given share, once there were
 * `minimum` calls. Open, it admits nothing for `open` milliseconds; the first call after that makes it half open. Half open,
 * it admits `probes` calls at a time: the first good one closes it, the first bad one opens it again.
 * Every call carries a ticket from `begin` to its one `report` or `release`. Tickets are numbered through all states, so that
 * the late outcome of a call from an earlier state is known as such and changes nothing.
 * Cost: O(1) per call, no timer, nothing allocated.
 * Limits: it knows the calls of this process; each instance finds out for itself. The window is a tenth coarse.
 * Failure mode: probes that never report hold their places for `open` milliseconds, then as many others are admitted. Their
 * own outcome, should it still come, counts: a target that takes longer to answer than `open` can close its breaker too.
 */
export class Breaker {
  private current: BreakerState = 'closed';
  private readonly calls: RollingCount;
  private readonly failed: RollingCount;
  /** Open: when probing begins. Half open: when the places of silent probes are given to others. */
  private until = 0;
  private probing = 0;
  private lastTicket = 0;
  /** Tickets before this one are from an earlier state. */
  private firstOfState = 0;
  /** Tickets before this one hold no place any more. */
  private firstOfRound = 0;
  private changed = -Infinity;

  constructor(
    private readonly settings: BreakerSettings,
    private readonly onChange?: (state: BreakerState, now: number) => void,
  ) {
    this.calls = new RollingCount(settings.window, BUCKETS);
    this.failed = new RollingCount(settings.window, BUCKETS);
  }

  /** `open` until a call comes along after its time is over, for it is calls that move it on. */
  get state(): BreakerState {
    return this.current;
  }

  /** When it last changed its state; -Infinity while it never has. */
  get changedAt(): number {
    return this.changed;
  }

  /** Whether a call may begin now. Changes nothing. */
  admits(now: number): boolean {
    if (this.current === 'closed') return true;
    return now >= this.until || (this.current === 'half-open' && this.probing < this.settings.probes);
  }

  /** A call begins that was admitted. */
  begin(now: number): number {
    if (this.current === 'closed') return this.firstOfState;
    if (!this.admits(now)) return UNASKED;
    if (this.current === 'open') this.become('half-open', now);
    else if (this.probing >= this.settings.probes) {
      this.probing = 0;
      this.firstOfRound = this.lastTicket + 1;
    }
    this.probing++;
    this.until = now + this.settings.open;
    return ++this.lastTicket;
  }

  /** The outcome of a call. */
  report(ticket: number, failed: boolean, now: number): void {
    if (ticket < this.firstOfState) return;
    if (this.current === 'half-open') {
      this.become(failed ? 'open' : 'closed', now);
      return;
    }
    this.calls.add(now);
    if (!failed) return;
    this.failed.add(now);
    const { minimum, failures } = this.settings;
    const calls = this.calls.sum(now);
    if (calls >= minimum && this.failed.sum(now) >= failures * calls) this.become('open', now);
  }

  /** A call ended without saying anything about the target. */
  release(ticket: number): void {
    if (this.current === 'half-open' && ticket >= this.firstOfRound && this.probing > 0) this.probing--;
  }

  private become(state: BreakerState, now: number): void {
    this.current = state;
    this.changed = now;
    this.firstOfState = ++this.lastTicket;
    this.firstOfRound = this.firstOfState;
    this.probing = 0;
    if (state === 'open') this.until = now + this.settings.open;
    else if (state === 'closed') {
      this.calls.clear();
      this.failed.clear();
    }
    this.onChange?.(state, now);
  }
}
