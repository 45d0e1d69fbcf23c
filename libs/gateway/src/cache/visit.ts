import { Logger } from '@nestjs/common';
import { type Exchange, Refusal } from '#kernel';
import { answerProblem } from '../answer.js';
import { type ResponseTap } from '../forward/response-tap.js';
import { type Route } from '../route.js';
import { answerStored } from './answer-stored.js';
import { type CacheReport, cacheStatus } from './cache-status.js';
import { cacheKey, variantOf } from './key.js';
import { type Asked, askedOf } from './request.js';
import { type RouteCache } from './route-cache.js';
import { type StoredResponse } from './stored-response.js';

/** How the cache asks upstreams. */
export interface UpstreamDoor {
  /** For the exchange's client. */
  send(exchange: Exchange<Route>, route: Route, tap: ResponseTap | null): void;
  /** For nobody but the tap. `over` is called once. */
  fetch(exchange: Exchange<Route>, route: Route, method: string, tap: ResponseTap, over: () => void): void;
}

const logger = new Logger('Cache');

/** One exchange at the cache. */
export class Visit {
  readonly asked: Asked;
  readonly key: string;
  private readonly otherHeaders: readonly string[];

  constructor(
    readonly exchange: Exchange<Route>,
    readonly route: Route,
    readonly cache: RouteCache,
    readonly door: UpstreamDoor,
  ) {
    this.asked = askedOf(exchange, cache);
    this.key = cacheKey(exchange, cache);
    this.otherHeaders = exchange.answerHeaders;
  }

  get method(): string {
    return this.exchange.req.method ?? 'GET';
  }

  /** Its client is there and waits. */
  get open(): boolean {
    return !this.exchange.res.destroyed && this.exchange.status === 0;
  }

  variant(method: string, names: readonly string[]): string {
    return variantOf(method, names, this.exchange.req.rawHeaders);
  }

  /** A HEAD is answered from what was stored for a GET too. */
  variants(names: readonly string[]): readonly string[] {
    const get = this.variant('GET', names);
    return this.method === 'HEAD' ? [get, this.variant('HEAD', names)] : [get];
  }

  /** What the answer says of the cache, whoever gives it. The last word counts. */
  report(report: CacheReport): void {
    this.exchange.answerHeaders = [...this.otherHeaders, 'Cache-Status', cacheStatus(report)];
  }

  answer(stored: StoredResponse, now: number, report: CacheReport, validated = false): void {
    this.report(report);
    this.exchange.cached = !validated;
    answerStored(this.exchange, this.route, stored, now, validated);
  }

  /** Goes on where nobody above would hear of a failure. */
  resume(step: () => void): void {
    if (!this.open) return;
    try {
      step();
    } catch (thrown) {
      const { exchange } = this;
      exchange.call?.abort();
      if (thrown instanceof Refusal) {
        answerProblem(exchange, thrown.code, thrown.detail, thrown.headers);
        return;
      }
      logger.error({ requestId: exchange.id, err: thrown }, 'an exchange failed at the cache');
      exchange.errorMessage = String(thrown);
      answerProblem(exchange, 'internal_error', 'Aegis could not handle this request.');
    }
  }
}
