/**
 * Active health: what checks of its own say about a target.
 *
 * Algorithm: a target begins healthy; `unhealthy` bad checks in a row take it out, `healthy` good ones bring it back. The
 * checks themselves are made elsewhere; here is when they are due and what follows from them.
 * Cost: O(1) per check.
 * Limits: a target that was never reached gets requests until the first bad checks are in.
 * Failure mode: without checks the state stays as it is, so whoever makes them has to report a bad one when it can't.
 */
export class ActiveHealth {
  private well = true;
  private streak = 0;
  private changed = -Infinity;
  private last: { readonly at: number; readonly good: boolean } | null = null;

  constructor(
    private readonly thresholds: { readonly healthy: number; readonly unhealthy: number },
    private readonly onChange?: (healthy: boolean, now: number) => void,
  ) {}

  get healthy(): boolean {
    return this.well;
  }

  /** When that last changed; -Infinity while it never has. */
  get changedAt(): number {
    return this.changed;
  }

  get lastCheck(): { readonly at: number; readonly good: boolean } | null {
    return this.last;
  }

  checked(good: boolean, now: number): void {
    this.last = { at: now, good };
    this.streak = good === this.well ? 0 : this.streak + 1;
    if (this.streak < (this.well ? this.thresholds.unhealthy : this.thresholds.healthy)) return;
    this.streak = 0;
    this.well = good;
    this.changed = now;
    this.onChange?.(good, now);
  }
}

/** Whether the status of a check's answer counts as good. */
export function isExpected(status: number, ranges: readonly { readonly from: number; readonly to: number }[]): boolean {
  return ranges.some(({ from, to }) => status >= from && status <= to);
}

/** A tenth more or less, so that instances and targets don't fall into step. `random`: 0 ≤ x < 1. */
export function untilNextCheck(interval: number, random: number): number {
  return interval * (0.9 + 0.2 * random);
}

/** The first check is made soon, and not of all targets in the same moment. */
export function untilFirstCheck(interval: number, random: number): number {
  return Math.min(interval, 1000) * random;
}
