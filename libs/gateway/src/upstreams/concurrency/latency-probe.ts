import { Sample } from './sample.js';

/** Part of the limit that a probe leaves, and what each further step leaves of that. */
const STEP = 1 / 3;
/** When this much of the throughput is still there, so is the queue. */
const UNABATED = 0.9;
const FEWEST = 12;
const MOST = 128;
/** The size of the first sample, for which nothing is held back: small, for a queue may be growing. */
const FIRST = 32;
/** A step ends when this share of its sample has been answered: the slowest may be very slow. */
const ENOUGH = 0.95;
/** How many latencies a step may take, besides those that sending its sample takes; at least so many milliseconds. */
const PATIENCE = 8;
const SHORTEST = 500;
/** Between two probes: milliseconds, and latencies, whichever is longer. */
const APART = 30_000;
const APART_LATENCIES = 200;
/** The part of that after a surprise, and the latencies after a result that is in doubt. */
const SURPRISED = 0.25;
const SOON_LATENCIES = 4;
/** A result that is further off than this part of the baseline, and than chance explains, is a surprise: it is believed. */
const NEWS = 0.25;
const CHANCE = 2;
/** Any other moves the baseline by this much of the difference. */
const TRUST = 0.3;

/**
 * Measures what an answer takes when nothing queues, in the middle of an overload.
 *
 * Algorithm: while it runs, a third of the requests are let in. Once no more than those are in flight, the next requests sent
 * are the sample: those sent, not those answered first, or fast ones would be all that is seen. What is still not answered
 * at the end counts with the time that it has taken so far. If the upstream got as much done meanwhile as before, there
 * was still a queue, and it goes on with a third of that; only a latency at which less got done is one without a queue.
 * The very first sample is of the first requests there are, before a queue can have grown long; nothing is held back for it.
 * Cost: comparisons per request while it runs. The upstream idles a little meanwhile: a third, for a few latencies of 200.
 * Failure mode: with too few answers in its time it changes nothing.
 */
export class LatencyProbe {
  /** How many requests may be in flight while it runs. */
  allowed = Infinity;
  private state: 'idle' | 'draining' | 'sampling' = 'draining';
  private dueAt = Infinity;
  private until = Infinity;
  private size = FIRST;
  /** What an answer took before it began, and how many were answered per millisecond. */
  private latency = Infinity;
  private throughput = Infinity;
  private from = 0;
  private to = Infinity;
  private expected = 0;
  /** Of the requests of the sample that are not answered, the sum of the times at which they were sent. */
  private sentTimes = 0;
  private served = 0;
  private readonly sample = new Sample();

  get running(): boolean {
    return this.state !== 'idle';
  }

  due(now: number, urgent: boolean): boolean {
    return urgent || now >= this.dueAt;
  }

  begin(limit: number, latency: number, throughput: number, now: number): void {
    this.latency = latency;
    this.throughput = throughput;
    this.allowed = limit;
    this.stepDown(now);
  }

  /** A request was sent; `inFlight` counts it. */
  sent(inFlight: number, now: number): void {
    if (this.state === 'draining') {
      if (inFlight > this.allowed) return;
      this.state = 'sampling';
      this.from = now;
      this.until = now + this.patience();
    }
    if (now > this.to) return;
    this.expected++;
    this.sentTimes += now;
    if (this.expected >= this.size) this.to = now;
  }

  /** `served`: it was answered, not given up. */
  answered(startedAt: number, latency: number, served: boolean): void {
    if (served && this.state === 'sampling') this.served++;
    if (!this.covers(startedAt)) return;
    this.sample.add(latency);
    this.sentTimes -= startedAt;
  }

  /** Nothing will be known of a request. */
  lost(startedAt: number): void {
    if (!this.covers(startedAt)) return;
    this.expected--;
    this.sentTimes -= startedAt;
  }

  /** Whether it is over; if there was still a queue, it goes on with less instead. */
  isOver(now: number): boolean {
    const answered = this.to !== Infinity && this.sample.count >= ENOUGH * this.expected;
    if (!answered && now < this.until) return false;
    if (!answered || this.allowed === 1 || !this.isUnabated(now)) return true;
    this.stepDown(now);
    return false;
  }

  /** Ends it; the new baseline. `baseline`: the one so far, 0 when there is none. */
  end(baseline: number, now: number): number {
    const { sample, expected } = this;
    const missing = expected - sample.count;
    const sure = this.allowed === 1 || !this.isUnabated(now);
    this.state = 'idle';
    this.dueAt = now + Math.max(APART, APART_LATENCIES * baseline);
    if (sample.count < FEWEST / 4) {
      if (baseline === 0) this.prepare(now);
      return baseline;
    }
    for (let i = 0; i < missing; i++) sample.add(now - this.sentTimes / missing);
    const measured = sample.mean;
    const off = Math.abs(measured - baseline);
    if (baseline === 0) this.dueAt = now;
    else if (!sure) this.dueAt = now + SOON_LATENCIES * measured;
    if (off <= Math.max(NEWS * baseline, CHANCE * sample.error)) return baseline + TRUST * (measured - baseline);
    if (sure && baseline > 0) this.dueAt = now + SURPRISED * Math.max(APART, APART_LATENCIES * measured);
    return measured;
  }

  private isUnabated(now: number): boolean {
    return this.served >= UNABATED * this.throughput * (now - this.from);
  }

  private stepDown(now: number): void {
    this.allowed = Math.max(1, Math.floor(this.allowed * STEP));
    this.size = Math.min(MOST, Math.max(FEWEST, 2 * this.allowed));
    this.prepare(now);
  }

  private prepare(now: number): void {
    this.state = 'draining';
    this.until = now + this.patience();
    this.to = Infinity;
    this.expected = 0;
    this.sentTimes = 0;
    this.served = 0;
    this.sample.clear();
  }

  private patience(): number {
    return Math.max(SHORTEST, (PATIENCE + this.size / this.allowed) * this.latency);
  }

  private covers(startedAt: number): boolean {
    return this.state === 'sampling' && startedAt >= this.from && startedAt <= this.to;
  }
}
