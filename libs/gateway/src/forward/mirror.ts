import { type Exchange } from '#kernel';
import { type Upstream } from '../upstreams/upstream.js';
import { type ResponseHandler, type Sending } from './target-pool.js';
import { type ResponseHead } from './http1/response-head.js';
import { type HeadPlan, IN_CHUNKS, NO_BODY, requestHead } from './request-head.js';

const NO_TRAILERS: readonly string[] = [];

/**
 * A copy of a request for another upstream. Nobody waits for it, nobody sees its answer, and whatever becomes of it has no
 * effect on the exchange it was copied from. It is sent once its body is whole; one too large to be kept is not sent.
 */
export class Mirror implements ResponseHandler {
  private body: readonly Buffer[] = [];

  constructor(
    private readonly exchange: Exchange,
    private readonly plan: HeadPlan,
    private readonly upstream: Upstream,
  ) {}

  send(body: readonly Buffer[]): void {
    const { exchange, plan } = this;
    if (plan.upgrade !== '') return;
    const target = this.upstream.select(exchange, [], performance.now());
    if (typeof target === 'string') return;
    this.body = body;
    const head = requestHead(exchange, plan, target.host);
    target.pool.request(plan.method, head, plan.framing !== NO_BODY, this);
  }

  sent(connection: Sending): void {
    if (this.plan.framing === NO_BODY) return;
    const chunked = this.plan.framing === IN_CHUNKS;
    for (const piece of this.body) {
      if (chunked) connection.writeChunk(piece);
      else connection.write(piece);
    }
    connection.end(chunked, NO_TRAILERS);
  }

  upgraded(_head: ResponseHead, socket: { destroy(): unknown }): void {
    socket.destroy();
  }
  informational(): void {
    // Nobody waits for it.
  }
  head(): void {
    // Nobody sees it.
  }
  data(): void {
    // Read over, so that the connection can be used again.
  }
  complete(): void {
    // The connection is kept.
  }
  failed(): void {
    // The copy is lost, the request is not.
  }
  drained(): void {
    // What is kept is small.
  }
}
