export interface Heavy<T> {
  readonly value: T;
  /** At least `count` − `error` and at most `count` were seen. */
  readonly count: number;
  readonly error: number;
}

interface Entry<T> {
  readonly value: T;
  count: number;
  readonly error: number;
}

/**
 * The most frequent of any number of keys in bounded memory (Metwally, Agrawal, El Abbadi: Space-Saving, 2005): with room
 * for m keys every key that makes up more than 1/m of what was seen is there, and its count is too high by at most as
 * much. A new key takes the place of one with the smallest count, and its count.
 */
export class SpaceSaving<T> {
  private readonly entries = new Map<string, Entry<T>>();
  /** Keys that had the smallest count when it was last looked for. */
  private smallest: string[] = [];
  private smallestCount = 0;

  constructor(private readonly room: number) {}

  add(key: string, value: T, times: number): void {
    const known = this.entries.get(key);
    if (known) known.count += times;
    else if (this.entries.size < this.room) this.entries.set(key, { value, count: times, error: 0 });
    else {
      const error = this.evict();
      this.entries.set(key, { value, count: error + times, error });
    }
  }

  /** The most frequent first. */
  top(most: number): Heavy<T>[] {
    return [...this.entries.values()].sort((a, b) => b.count - a.count).slice(0, most);
  }

  remove(key: string): void {
    this.entries.delete(key);
  }

  /** Drops a key with the smallest count and answers that. All with that count are found at once, so that few are looked for. */
  private evict(): number {
    for (;;) {
      const key = this.smallest.pop();
      if (key === undefined) this.findSmallest();
      else if (this.entries.get(key)?.count === this.smallestCount) {
        this.entries.delete(key);
        return this.smallestCount;
      }
    }
  }

  private findSmallest(): void {
    this.smallestCount = Infinity;
    for (const { count } of this.entries.values()) this.smallestCount = Math.min(this.smallestCount, count);
    for (const [key, { count }] of this.entries) if (count === this.smallestCount) this.smallest.push(key);
  }
}
