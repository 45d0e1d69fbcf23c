import { type HealthConfig } from '#config';
import { type ResponseHead } from '../forward/http1/response-head.js';
import { type ResponseHandler } from '../forward/target-pool.js';
import { isExpected, untilFirstCheck, untilNextCheck } from './active-health.js';
import { type Target } from './target.js';
import { type Upstream } from './upstream.js';

type Settings = NonNullable<HealthConfig['active']>;

/** Asks each target of an upstream how it is, every `interval`, one check at a time for each. */
export class HealthChecks {
  private readonly timers = new Map<Target, NodeJS.Timeout>();
  private closed = false;

  constructor(
    private readonly upstream: Upstream,
    private readonly settings: Settings,
  ) {}

  /** Targets come and go: those that are new are checked from now on. */
  follow(): void {
    for (const target of this.upstream.targets) {
      if (!this.timers.has(target)) this.next(target, untilFirstCheck(this.settings.interval, Math.random()));
    }
    for (const [target, timer] of this.timers) {
      if (this.upstream.targets.includes(target)) continue;
      clearTimeout(timer);
      this.timers.delete(target);
    }
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  private next(target: Target, wait: number): void {
    const timer = setTimeout(() => {
      this.check(target, (good) => {
        if (this.closed || !this.timers.has(target)) return;
        target.active?.checked(good, performance.now());
        this.next(target, untilNextCheck(this.settings.interval, Math.random()));
      });
    }, wait);
    this.timers.set(target, timer.unref());
  }

  private check(target: Target, done: (good: boolean) => void): void {
    const { path, timeout, status } = this.settings;
    const head = `GET ${path} HTTP/1.1\r\nHost: ${target.host}\r\nUser-Agent: aegis-health\r\nConnection: close\r\n\r\n`;
    const answer = new CheckAnswer((seen) => {
      clearTimeout(limit);
      done(seen !== null && isExpected(seen, status));
    });
    const connection = target.pool.request('GET', head, false, answer, 'new');
    const limit = setTimeout(() => {
      // A process that was held up comes to its timers before its sockets: an answer that is there is read first.
      setImmediate(() => {
        if (answer.isOver) return;
        connection.abort();
        answer.over(null);
      });
    }, timeout);
  }
}

/** Only the status counts, and it comes once. */
class CheckAnswer implements ResponseHandler {
  private status: number | null = null;
  private told = false;

  constructor(private readonly tell: (status: number | null) => void) {}

  get isOver(): boolean {
    return this.told;
  }

  over(status: number | null): void {
    if (this.told) return;
    this.told = true;
    this.tell(status);
  }
  head(head: ResponseHead): void {
    this.status = head.status;
  }
  complete(): void {
    this.over(this.status);
  }
  failed(): void {
    this.over(null);
  }
  upgraded(_head: ResponseHead, socket: { destroy(): unknown }): void {
    socket.destroy();
    this.over(null);
  }
  sent(): void {
    // Nothing follows the head.
  }
  informational(): void {
    // The status is still to come.
  }
  data(): void {
    // What a health page says is not looked at.
  }
  drained(): void {
    // Nothing was held back.
  }
}
