/** Milliseconds after which a measurement counts for a third. */
const MEMORY = 5000;
/** A failure counts as at least twice as slow as was thought, but not beyond this. */
const WORST = 60_000;

/**
 * Peak EWMA: what a target is expected to take.
 *
 * Algorithm: an exponentially weighted mean over time, except that an answer slower than the estimate becomes the estimate
 * at once: it is quick to believe bad news and slow to forget it. A failure doubles the estimate, so that failing fast does
 * not look like being fast. While nothing is measured the estimate fades, so that a target that was slow is tried again.
 * Cost: an exponential function per measurement and per reading.
 * Limits: it sees the response head, not the body: a long download is not a slow answer.
 */
export class PeakEwma {
  private estimate = 0;
  private measuredAt = 0;

  observe(ms: number, now: number): void {
    if (ms >= this.estimate) this.estimate = ms;
    else this.estimate = ms + (this.estimate - ms) * this.remembered(now);
    this.measuredAt = now;
  }

  observeFailure(ms: number, now: number): void {
    this.observe(Math.max(ms, Math.min(WORST, this.estimate * 2)), now);
  }

  /** The last estimate as it was; 0 when there is none. */
  get value(): number {
    return this.estimate;
  }

  /** The last estimate, faded since. */
  faded(now: number): number {
    return this.estimate === 0 ? 0 : this.estimate * this.remembered(now);
  }

  private remembered(now: number): number {
    return Math.exp(Math.min(0, this.measuredAt - now) / MEMORY);
  }
}
