import { answerProblem } from '../answer.js';
import { type Call } from '#kernel';
import { type Flight, type Follower, type Selection } from './flight.js';
import { standsIn, timeLeft, useOf } from './freshness.js';
import { type StoredResponse } from './stored-response.js';
import { type CacheReport } from './cache-status.js';
import { type Visit } from './visit.js';

/** What a request that waited does next. */
export interface NextSteps {
  alone(): void;
  again(names: readonly string[]): void;
  lead(flight: Flight): void;
}

/** A request that waits for the answer to another one, as long as its client does. */
export class Waiting implements Follower, Call {
  private deadline: NodeJS.Timeout | undefined;

  constructor(
    private readonly visit: Visit,
    private readonly flight: Flight,
    /** The variant that it looked for. */
    private readonly fwd: NonNullable<CacheReport['fwd']>,
    private readonly next: NextSteps,
    private readonly now: () => number,
  ) {}

  start(): void {
    const { exchange, route } = this.visit;
    exchange.call = this;
    if (route.timeout !== null) {
      const left = exchange.startedAt + route.timeout - performance.now();
      this.deadline = setTimeout(() => this.outOfTime(), Math.max(0, left));
    }
    this.flight.join(this);
  }

  fits({ names, variant }: Selection): boolean {
    return this.visit.variant(this.visit.method, names) === variant;
  }

  answer(stored: StoredResponse, failing: boolean): boolean {
    const { visit } = this;
    const { directives } = visit.asked;
    const now = this.now();
    const use = useOf(stored, directives, now);
    const usable = use === 'fresh' || use === 'refresh' || use === 'accepted';
    if (!usable && !(failing && standsIn(stored, directives, now))) return false;
    this.go(() => {
      visit.answer(stored, now, { fwd: this.fwd, collapsed: true, timeLeft: timeLeft(stored, now) });
    });
    return true;
  }

  alone(): void {
    this.go(() => this.next.alone());
  }

  again(names: readonly string[]): void {
    this.go(() => this.next.again(names));
  }

  lead(flight: Flight): void {
    this.go(() => this.next.lead(flight));
  }

  /** The client has gone. */
  abort(): void {
    clearTimeout(this.deadline);
    this.flight.leave(this);
  }

  private go(step: () => void): void {
    clearTimeout(this.deadline);
    this.visit.exchange.call = null;
    this.visit.resume(step);
  }

  private outOfTime(): void {
    const { exchange } = this.visit;
    this.flight.leave(this);
    exchange.call = null;
    exchange.errorMessage = 'out of time while the same was asked for another request';
    answerProblem(exchange, 'upstream_timeout', 'The target did not answer in time.');
  }
}
