/**
 * How often something happened within the last `window` milliseconds.
 *
 * Algorithm: a ring of buckets and their sum; buckets that have become too old are emptied when time is next looked at.
 * Cost: O(1), at most one round of the ring after a pause; nothing is allocated and no timer runs.
 * Limits: it looks back at most `window` and at least one bucket less. Time that runs backwards counts as standing still.
 */
export class RollingCount {
  private readonly counts: Float64Array;
  private readonly width: number;
  /** The number of the bucket that is being filled, counted since time 0. */
  private current = 0;
  private total = 0;

  constructor(window: number, buckets: number) {
    this.counts = new Float64Array(buckets);
    this.width = window / buckets;
  }

  add(now: number): void {
    this.advance(now);
    const at = this.current % this.counts.length;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.total++;
  }

  sum(now: number): number {
    this.advance(now);
    return this.total;
  }

  clear(): void {
    this.counts.fill(0);
    this.total = 0;
  }

  private advance(now: number): void {
    const bucket = Math.floor(now / this.width);
    if (bucket <= this.current) return;
    const { counts } = this;
    if (bucket - this.current >= counts.length) this.clear();
    else {
      for (let passed = this.current + 1; passed <= bucket; passed++) {
        const at = passed % counts.length;
        this.total -= counts[at] ?? 0;
        counts[at] = 0;
      }
    }
    this.current = bucket;
  }
}
