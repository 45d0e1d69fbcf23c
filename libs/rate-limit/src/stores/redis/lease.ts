import { type Check } from '../check.js';
import { type Told } from './limiter-script.js';

const LONGEST_MS = 1_000;
/** From this size on a batch is renewed before it is empty. */
const WORTH_RENEWING_EARLY = 8;

/** Tokens of one key that were taken from Redis and not spent yet, and what Redis said last. Times are milliseconds. */
export class Lease {
  /** Under way. */
  renewal: Promise<boolean> | null = null;
  private tokens = 0;
  private validUntil = 0;
  private batch = 0;
  private refusedUntil = 0;
  /** The least that was refused. */
  private refusedNeed = 0;
  private admitsAt = 0;
  private left = 0;
  private renewsAt = 0;

  get runsLow(): boolean {
    return this.batch >= WORTH_RENEWING_EARLY && this.tokens < this.batch / 4;
  }

  /** Undefined: only Redis knows. */
  verdict(check: Check, now: number): boolean | undefined {
    if (now < this.validUntil && this.tokens >= check.need) return true;
    return now < this.refusedUntil && check.need >= this.refusedNeed ? false : undefined;
  }

  settle(check: Check, spend: boolean, now: number): void {
    if (spend) this.tokens -= check.take;
    const held = now < this.validUntil ? this.tokens : 0;
    const wait = check.allowed ? 0 : Math.max(1, Math.ceil((this.admitsAt - now) * 1000));
    check.set(check.allowed, Math.floor(this.left + held), Math.max(0, Math.ceil((this.renewsAt - now) * 1000)), wait);
  }

  /** How much to ask for: what fills the batch up, which doubles when the last one was used up in time. */
  wanted(check: Check, largest: number, now: number): number {
    const valid = now < this.validUntil;
    this.batch = Math.min(largest, Math.max(check.need, valid ? this.batch * 2 : this.batch / 2));
    const held = valid ? this.tokens : 0;
    return Math.max(check.need - held, Math.floor(this.batch) - held);
  }

  /** `sent` is when Redis was asked: what it said is not older than that. */
  renew(check: Check, told: Told, sent: number, now: number): void {
    if (now >= this.validUntil) this.tokens = 0;
    const { limit } = check.rule;
    this.left = told.left;
    this.renewsAt = sent + told.renews / 1000;
    if (told.taken > 0) {
      this.tokens += told.taken;
      const validFor = Math.min(LONGEST_MS, limit.window / 10_000);
      this.validUntil = limit.algorithm === 'fixed-window' ? Math.min(sent + validFor, this.renewsAt) : sent + validFor;
      this.refusedUntil = 0;
    } else {
      this.refusedNeed = check.need;
      this.admitsAt = sent + told.wait / 1000;
      this.refusedUntil = Math.min(this.admitsAt, sent + LONGEST_MS);
    }
  }
}
