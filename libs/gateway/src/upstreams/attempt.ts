import { type FailureKind } from '../forward/http1/upstream-failure.js';
import { type ConcurrencyLimit } from './concurrency/concurrency-limit.js';
import { type Condition } from './condition.js';

/** Milliseconds after which an answer that still goes on is a good one. */
const PROVEN = 1000;

/**
 * One request sent to one target, from just before it is sent to its end: tells the target's condition and the upstream's
 * concurrency limit what became of it. Whatever is called, in whatever order and however often, counts are given back
 * exactly once; what comes after the end is ignored.
 *
 * A status of 500 or more is a failure, and so is an answer that breaks off: a good one is a success when it is complete, or
 * has gone on for a second where it is needed as proof that the target is well again. A kept connection that turned out to be closed
 * is nobody's failure. A client that goes away says nothing about the target, except that it took at least so long.
 * A target is as slow as its answer takes once the request has been sent to its end: the rest is the client's.
 */
export class Attempt {
  private phase: 'waiting' | 'answered' | 'over' = 'waiting';
  private readonly ticket: number;
  private waitingSince: number;
  private answeredAt = 0;
  private reported: 'nothing' | 'success' | 'failure' = 'nothing';

  /** The place in `limit` has been acquired already, at `startedAt`. */
  constructor(
    readonly condition: Condition,
    private readonly limit: ConcurrencyLimit,
    readonly startedAt: number,
    /** A body of the request is still to be sent. */
    private bodyToCome = false,
  ) {
    condition.inFlight++;
    this.waitingSince = startedAt;
    condition.passive?.begin(startedAt);
    this.ticket = condition.breaker === null ? 0 : condition.breaker.begin(startedAt);
  }

  /** The last byte of the request's body has been sent. */
  bodySent(now: number): void {
    if (!this.bodyToCome) return;
    this.bodyToCome = false;
    this.waitingSince = now;
  }

  /** The response head has come (not a 1xx, except 101). */
  answered(status: number, now: number): void {
    if (this.phase !== 'waiting') return;
    this.phase = 'answered';
    const { condition, waitingSince } = this;
    const failed = status >= 500;
    condition.answeredIn(now - waitingSince, failed, now);
    this.answeredAt = now;
    if (failed || status === 101) this.report(failed, now);
    else if (condition.onProbation) condition.proof = this;
    const sign = status === 503 || status === 429 ? 'overloaded' : failed ? 'nothing' : 'served';
    this.limit.answered(this.startedAt, now, sign, waitingSince);
  }

  /** The answer goes on. A long stream need not end for its target to be trusted again. */
  goesOn(now: number): void {
    if (this.phase === 'answered' && now - this.answeredAt >= PROVEN) this.succeeded(now);
  }

  /** There will be no answer, or no more of it. */
  failed(kind: FailureKind, now: number): void {
    if (this.phase === 'over') return;
    if (kind !== 'stale' && kind !== 'refused') {
      if (this.phase === 'waiting') this.condition.answeredIn(now - this.waitingSince, true, now);
      this.report(true, now);
    }
    this.end(now, kind === 'timeout' ? 'served' : 'nothing');
  }

  /** The answer is complete. */
  finished(now: number): void {
    if (this.phase === 'over') return;
    if (this.phase === 'answered') this.succeeded(now);
    this.end(now, 'nothing');
  }

  /** The client went away, or the gateway gave the exchange up for a reason that is not the target's. */
  abandoned(now: number): void {
    if (this.phase === 'over') return;
    const { condition, waitingSince } = this;
    if (this.phase === 'waiting' && !this.bodyToCome && now - waitingSince > condition.latency(now)) {
      condition.answeredIn(now - waitingSince, false, now);
    }
    if (this.phase === 'answered') this.succeeded(now);
    this.end(now, 'longer');
  }

  private succeeded(now: number): void {
    if (this.reported === 'nothing') this.report(false, now);
  }

  private report(failed: boolean, now: number): void {
    if (this.reported === 'failure') return;
    this.reported = failed ? 'failure' : 'success';
    const { breaker, passive } = this.condition;
    breaker?.report(this.ticket, failed, now);
    if (passive === null) return;
    if (failed) passive.failed(now);
    else passive.succeeded(now);
  }

  private end(now: number, sign: 'served' | 'longer' | 'nothing'): void {
    if (this.phase === 'waiting') {
      this.condition.breaker?.release(this.ticket);
      this.limit.answered(this.startedAt, now, this.bodyToCome ? 'nothing' : sign, this.waitingSince);
    }
    this.phase = 'over';
    if (this.condition.proof === this) this.condition.proof = null;
    this.condition.inFlight--;
    this.limit.finished();
  }
}
