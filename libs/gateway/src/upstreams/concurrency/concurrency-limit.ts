/**
 * What the end of waiting says: `served` in that time; `overloaded`, the target said so itself; `longer`, it would have
 * taken more than that; `nothing`.
 */
export type Sign = 'served' | 'overloaded' | 'longer' | 'nothing';

/** How many attempts an upstream may have under way. Each that was let in is `answered` once and then `finished` once. */
export interface ConcurrencyLimit {
  readonly limit: number;
  readonly inFlight: number;
  /** `important`: the route says that it goes first. `false`: refuse, at once. */
  tryAcquire(now: number, important: boolean): boolean;
  /**
   * The response head has come, or will not come any more. `startedAt` is the time that was given to `tryAcquire`,
   * `waitingSince` when nothing but the answer was missing: later than `startedAt` when a body came in slowly.
   */
  answered(startedAt: number, now: number, sign: Sign, waitingSince?: number): void;
  finished(): void;
}

/**
 * A fixed number of requests, from sending to the last byte; Infinity for no limit.
 *
 * Cost: a comparison and a counter. Limits: per process; nobody goes first, for the number is what the upstream bears.
 */
export class FixedLimit implements ConcurrencyLimit {
  inFlight = 0;

  constructor(readonly limit: number) {}

  tryAcquire(): boolean {
    if (this.inFlight >= this.limit) return false;
    this.inFlight++;
    return true;
  }

  answered(): void {
    // It holds its place until it is finished.
  }

  finished(): void {
    this.inFlight--;
  }
}
