import { RollingCount } from './rolling-count.js';

const WINDOW = 10_000;
const ALWAYS = 10;

/**
 * Retry budget of one upstream: when everything fails, retries must not multiply the load.
 *
 * Algorithm: a retry is allowed while retries are less than the given share of the requests of the last ten seconds, or
 * fewer than ten within the last one. A retry after a refused connection costs the target nothing and is not asked for.
 * Cost: O(1), one count per request; nothing allocated, no timer.
 * Limits: per process. Retries in any ten seconds stay within share × requests + 110 (the second is a tenth coarse).
 * Failure mode: when it is used up, the client gets the first failure as it is.
 */
export class RetryBudget {
  private readonly requests = new RollingCount(WINDOW, 40);
  private readonly retries = new RollingCount(WINDOW, 40);
  private readonly lastRetries = new RollingCount(1000, 10);

  /** A request, not counting its retries. */
  request(now: number): void {
    this.requests.add(now);
  }

  /** Takes one retry, if there is one. `share`: 0 to 1. */
  take(share: number, now: number): boolean {
    const within = this.retries.sum(now) + 1 <= share * this.requests.sum(now);
    if (!within && this.lastRetries.sum(now) >= ALWAYS) return false;
    this.retries.add(now);
    this.lastRetries.add(now);
    return true;
  }
}
