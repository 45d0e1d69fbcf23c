import { type Exchange } from '#kernel';
import { Attempt } from '../upstreams/attempt.js';
import { type Upstream } from '../upstreams/upstream.js';
import { type ResponseHandler, type Sending } from './target-pool.js';
import { type ResponseHead } from './http1/response-head.js';
import { type UpstreamFailure } from './http1/upstream-failure.js';
import { type HeadPlan, requestHead } from './request-head.js';
import { type ResponseTap } from './response-tap.js';

/** For all of it; nobody waits, but nothing may wait for ever. */
const LONGEST = 60_000;

/**
 * A request without a body whose answer is for the cache only. It is made like that of the exchange which caused it, is
 * tried once, and counts with its target like any other.
 */
export class BackgroundFetch implements ResponseHandler {
  private attempt: Attempt | null = null;
  private connection: Sending | null = null;
  private deadline: NodeJS.Timeout | undefined;
  private ended = false;

  constructor(
    private readonly tap: ResponseTap,
    private readonly over: () => void,
  ) {}

  start(exchange: Exchange, upstream: Upstream | null, plan: HeadPlan): void {
    const now = performance.now();
    const target = upstream?.select(exchange, [], now) ?? 'no_healthy_upstream';
    if (upstream === null || typeof target === 'string' || !upstream.limit.tryAcquire(now, false)) {
      this.giveUp();
      return;
    }
    this.attempt = new Attempt(target, upstream.limit, now);
    this.deadline = setTimeout(() => this.giveUp(), LONGEST).unref();
    const head = requestHead(exchange, plan, target.host);
    this.connection = target.pool.request(plan.method, head, false, this);
  }

  sent(connection: Sending): void {
    this.connection = connection;
  }

  head(head: ResponseHead): void {
    this.attempt?.answered(head.status, performance.now());
    this.tap.head(head);
  }

  data(piece: Buffer): void {
    if (this.tap.data(piece) === 'none') this.giveUp();
  }

  complete(trailers: string[]): void {
    this.tap.complete(trailers);
    this.attempt?.finished(performance.now());
    this.end();
  }

  failed({ kind }: UpstreamFailure): void {
    this.attempt?.failed(kind, performance.now());
    this.connection = null;
    this.giveUp();
  }

  upgraded(_head: ResponseHead, socket: { destroy(): unknown }): void {
    socket.destroy();
    this.giveUp();
  }

  informational(): void {
    // There is no client to tell.
  }

  drained(): void {
    // There is no body.
  }

  private giveUp(): void {
    if (this.ended) return;
    this.tap.failed(false);
    this.attempt?.abandoned(performance.now());
    this.connection?.abort();
    this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.deadline);
    this.over();
  }
}
