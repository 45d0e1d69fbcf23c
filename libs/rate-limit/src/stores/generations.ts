/**
 * A map that forgets what has not been touched for one to two lifetimes, in O(1): entries live in two maps, what is touched
 * is kept in or moved to the young one, and a turn throws the old one away whole. No timers, no lists, no scans.
 */
export class Generations<V> {
  private young = new Map<string, V>();
  private old = new Map<string, V>();
  private youngWeight = 0;
  private oldWeight = 0;
  private heldUntil = 0;
  private usedAt: number;
  private turnedAt: number;

  constructor(
    /** Bytes that an entry takes. */
    private readonly weigh: (key: string, value: V) => number,
    public lifetime: number,
    now: number,
  ) {
    this.usedAt = now;
    this.turnedAt = now;
  }

  get weight(): number {
    return this.youngWeight + this.oldWeight;
  }

  get size(): number {
    return this.young.size + this.old.size;
  }

  get(key: string): V | undefined {
    const value = this.young.get(key);
    if (value !== undefined || this.old.size === 0) return value;
    const kept = this.old.get(key);
    if (kept === undefined) return undefined;
    const weight = this.weigh(key, kept);
    this.old.delete(key);
    this.oldWeight -= weight;
    this.young.set(key, kept);
    this.youngWeight += weight;
    return kept;
  }

  /** `key` is not there yet. With `half`, the young generation becomes the old one when it has grown to that weight. */
  add(key: string, value: V, half: number, now: number): void {
    if (this.youngWeight >= half) this.turn(now);
    this.young.set(key, value);
    this.youngWeight += this.weigh(key, value);
  }

  delete(key: string): void {
    const value = this.get(key);
    if (value === undefined) return;
    this.young.delete(key);
    this.youngWeight -= this.weigh(key, value);
  }

  /** Another value of the same weight for a key that was just got. */
  replace(key: string, value: V): void {
    this.young.set(key, value);
  }

  /** A value that was just got or added takes so much more. */
  grown(bytes: number): void {
    this.youngWeight += bytes;
  }

  /** To be called before each use. Turns when a lifetime has passed, and again when nothing was touched since. */
  age(now: number): void {
    const idle = now - this.usedAt;
    this.usedAt = now;
    if (now - this.turnedAt < this.lifetime || now < this.heldUntil) return;
    this.turn(now);
    if (idle >= this.lifetime) this.turn(now);
  }

  /** Something is to be remembered until then; for want of room it is forgotten all the same. */
  hold(until: number): void {
    this.heldUntil = Math.max(this.heldUntil, until);
  }

  /** Forgets the older half. */
  turn(now: number): void {
    this.old = this.young;
    this.oldWeight = this.youngWeight;
    this.young = new Map();
    this.youngWeight = 0;
    this.turnedAt = now;
  }
}
