const REMEMBERED = 4096;

/**
 * Which keys were invalidated when, so that an answer which was asked for before is not stored after. Bounded: what is
 * forgotten counts as invalidated up to then, which costs a few answers that could have been kept.
 */
export class Invalidations {
  private readonly times = new Map<string, number>();
  private forgottenUpTo = -Infinity;

  note(key: string, now: number): void {
    this.times.delete(key);
    this.times.set(key, now);
    if (this.times.size <= REMEMBERED) return;
    const [oldest] = this.times;
    if (oldest === undefined) return;
    this.times.delete(oldest[0]);
    this.forgottenUpTo = Math.max(this.forgottenUpTo, oldest[1]);
  }

  /** Whether an answer that was asked for then may have been overtaken. */
  since(key: string, askedAt: number): boolean {
    return askedAt <= Math.max(this.forgottenUpTo, this.times.get(key) ?? -Infinity);
  }
}
