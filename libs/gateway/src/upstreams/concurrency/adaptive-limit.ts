import { type ConcurrencyLimit, type Sign } from './concurrency-limit.js';
import { LatencyProbe } from './latency-probe.js';
import { Sample } from './sample.js';

export interface AdaptiveBounds {
  readonly min: number;
  readonly max: number;
  readonly initial: number;
}

const BOUNDS: AdaptiveBounds = { min: 4, max: 10_000, initial: 100 };

/** Answers may take this many times as long as without a queue before the limit comes down. */
const TOLERANCE = 2;
const STEEPEST = 0.5;
/** While it has never been too high, the limit grows by this factor at a time, then by its square root. */
const LEARNING = 2;
/** Share of answers that have to say "overloaded" for the limit to come down whatever the latencies. */
const COMPLAINTS = 0.1;
/** The same for clients that gave up while others were refused. Some always do. */
const GIVEN_UP = 0.5;
/** A limit that has come down by this factor since the last probe asks for another. */
const SUSPICIOUS = 3;
/** What a route that goes first gets beyond the limit. */
const HEADROOM = 0.25;

/** Answers per window: four for each that may be in flight, within these. FEW are enough when they are beyond doubt. */
const MOST = 256;
const FEW = 48;
const BEYOND_DOUBT = 3;
const SHORTEST_WINDOW = 100;
const LONGEST_WINDOW = 5000;
/** An answer that takes longer than so many baselines counts as that: one very slow one must not outweigh all others. */
const OUTLIER = 10;
/** Milliseconds. 0 is kept for "not known". */
const FASTEST = 0.01;
/** Milliseconds in which the baseline follows what is seen while the upstream is not busy. */
const DRIFT = 10_000;

/**
 * Adaptive concurrency: finds how many requests an upstream can work on at once.
 *
 * Algorithm (a gradient limiter): the baseline is what an answer takes on average when nothing queues. Per window of answers,
 * the average latency is compared with it. More than twice as long while requests are refused: the limit is multiplied by
 * how much too long it is. Not so long, and at least half of the limit in use: it grows. Many 503 and 429, or clients that
 * mostly give up, bring it down as well. Answers to requests from before it last came down much tell of the old limit and
 * don't count. It never comes down while nobody is refused, for then it limits nothing.
 * The baseline follows the latency slowly while less than half of the limit is in use, for then nothing queues. While
 * requests are being refused, a LatencyProbe measures it anew every now and then, and at once when the limit has come down
 * to a third: this tells an upstream that has become slower from one that is overloaded.
 * Cost: a few comparisons and additions; nothing is allocated, no timer runs. A refusal is a comparison.
 * Limits: what counts is the time to the response head, and a request leaves when it comes: streams and WebSockets don't use
 * up the limit. Per process: several instances share an upstream by each finding its part.
 * Failure mode: it begins with `initial`. An upstream for which that many are more than its clients' patience, and which goes
 * on working for those that gave up, takes some tens of seconds to recover: better to give such a one a number. A baseline
 * made wrong by a sudden change is put right by the next probe; until then it refuses too much or lets a queue build up.
 */
export class AdaptiveLimit implements ConcurrencyLimit {
  inFlight = 0;
  private exact: number;
  private learning = true;
  /** Milliseconds that an answer takes without a queue; 0 while that is not known. */
  private baseline = 0;
  private readonly probe = new LatencyProbe();
  /** The highest limit since the last probe. */
  private highest: number;

  private windowFrom = -Infinity;
  /** Requests sent earlier than this say nothing about the limit of now. */
  private countsFrom = -Infinity;
  private readonly answers = new Sample();
  private complaints = 0;
  private givenUp = 0;
  private served = 0;
  private peak = 0;
  private refused = false;

  constructor(private readonly bounds: AdaptiveBounds = BOUNDS) {
    this.exact = bounds.initial;
    this.highest = bounds.initial;
  }

  get limit(): number {
    return Math.floor(this.exact);
  }

  /** Milliseconds that an answer is thought to take without a queue; 0 while that is not known. */
  get unloadedLatency(): number {
    return this.baseline;
  }

  tryAcquire(now: number, important: boolean): boolean {
    const { probe } = this;
    if (this.windowFrom === -Infinity) this.beginWindow(now);
    if (probe.running && probe.isOver(now)) this.endProbe(now);
    const limit = this.holdingBack ? probe.allowed : this.limit;
    if (this.inFlight >= (important ? limit + Math.ceil(limit * HEADROOM) : limit)) {
      this.refused = true;
      return false;
    }
    this.inFlight++;
    if (this.inFlight > this.peak) this.peak = this.inFlight;
    if (probe.running) probe.sent(this.inFlight, now);
    return true;
  }

  answered(startedAt: number, now: number, sign: Sign, waitingSince = startedAt): void {
    this.inFlight--;
    const { probe, baseline } = this;
    const latency = Math.max(FASTEST, now - waitingSince);
    const counted = baseline === 0 ? latency : Math.min(latency, OUTLIER * baseline);
    const known = sign === 'served' || (sign === 'longer' && latency > baseline / 2);
    if (probe.running) {
      if (known) probe.answered(startedAt, counted, sign === 'served');
      else probe.lost(startedAt);
      if (probe.isOver(now)) this.endProbe(now);
      if (this.holdingBack) return;
    }
    if (sign === 'served') this.served++;
    if (startedAt < this.countsFrom) return;
    if (sign === 'overloaded') this.complaints++;
    else if (known) {
      this.answers.add(counted);
      if (sign === 'longer') this.givenUp++;
    } else return;
    if (this.windowIsOver(now)) this.closeWindow(now);
  }

  finished(): void {
    // Its place was given back when it was answered.
  }

  private get holdingBack(): boolean {
    return this.probe.running && this.baseline > 0;
  }

  private windowIsOver(now: number): boolean {
    const { baseline, answers, complaints } = this;
    const seen = answers.count + complaints;
    const age = now - this.windowFrom;
    if (age >= LONGEST_WINDOW && seen >= FEW / 4) return true;
    if (seen < FEW) return false;
    if (complaints > seen / 2 || (baseline > 0 && answers.mean > BEYOND_DOUBT * baseline)) return true;
    return age >= Math.max(SHORTEST_WINDOW, 3 * baseline) && seen >= Math.min(MOST, 4 * this.limit);
  }

  private closeWindow(now: number): void {
    const { answers, complaints, givenUp, probe } = this;
    const seen = answers.count + complaints;
    const tooLate = this.refused && givenUp > GIVEN_UP * seen;
    if (complaints > COMPLAINTS * seen) this.lower(Math.max(STEEPEST, 1 - complaints / seen), now);
    else if (tooLate) this.lower(STEEPEST, now);
    else if (this.baseline > 0) this.judge(now);
    if (this.refused && this.baseline > 0 && probe.due(now, tooLate || this.exact < this.highest / SUSPICIOUS)) {
      const latency = answers.count > 0 ? answers.mean : this.baseline;
      probe.begin(this.limit, latency, this.served / (now - this.windowFrom), now);
    }
    this.beginWindow(now);
  }

  private judge(now: number): void {
    const { mean, error } = this.answers;
    const busy = this.refused || this.peak >= this.exact / 2;
    if (!busy || mean + 2 * error < this.baseline) {
      this.baseline += (mean - this.baseline) * (1 - Math.exp((this.windowFrom - now) / DRIFT));
    }
    const allowed = (TOLERANCE * this.baseline) / (mean - error);
    if (allowed >= 1) {
      if (busy) this.raise(now);
    } else if (this.refused) this.lower(Math.max(STEEPEST, allowed), now);
  }

  private raise(now: number): void {
    const more = this.learning ? this.exact * LEARNING : this.exact + Math.sqrt(this.exact);
    this.exact = Math.min(this.bounds.max, more);
    this.highest = Math.max(this.highest, this.exact);
    if (this.learning) this.countsFrom = now;
  }

  private lower(factor: number, now: number): void {
    this.learning = false;
    this.exact = Math.max(this.bounds.min, this.exact * factor);
    if (factor < 0.8) this.countsFrom = now;
  }

  private endProbe(now: number): void {
    this.baseline = this.probe.end(this.baseline, now);
    this.highest = this.exact;
    this.countsFrom = now;
    this.beginWindow(now);
  }

  private beginWindow(now: number): void {
    this.windowFrom = now;
    this.answers.clear();
    this.complaints = 0;
    this.givenUp = 0;
    this.served = 0;
    this.peak = this.inFlight;
    this.refused = false;
  }
}
