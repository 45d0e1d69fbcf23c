import { type Socket } from 'node:net';
import { type ClientResponse, type ErrorCode, type Exchange, type Refusal } from '#kernel';
import { isHttp10 } from '../ambiguity.js';
import { addedFields, answerProblem, letAnswerLeave } from '../answer.js';
import { type Leaver } from '../end-of-turn.js';
import { type Route, type UpstreamShare } from '../route.js';
import { BodyEncoder, type EncodedBody } from '../transform/body-encoder.js';
import { Attempt } from '../upstreams/attempt.js';
import { type Target } from '../upstreams/target.js';
import { type ResponseHandler, type Sending } from './target-pool.js';
import { type ResponseHead } from './http1/response-head.js';
import { type FailureKind, type UpstreamFailure } from './http1/upstream-failure.js';
import { CODE, DETAIL, NO_TARGET } from './failure-answers.js';
import { Mirror } from './mirror.js';
import { type BodyOwner, RequestBody } from './request-body.js';
import { type HeadPlan, NO_BODY, requestHead } from './request-head.js';
import { type ResponseTap } from './response-tap.js';
import { splice } from './splice.js';

/** A response body up to this size leaves as a string, in one write with the head; above it the conversion costs more than that saves. */
const SMALL = 16_384;

const UNTRIED: readonly Target[] = [];

/**
 * One exchange with its upstream: streams the request there and the response back, holds either side back when the other
 * is slow, ends either side when the other is gone, and tries another target where the route's policy allows it.
 */
export class HttpForward implements ResponseHandler, BodyOwner, Leaver {
  private readonly res: ClientResponse;
  private readonly body: RequestBody;
  private readonly mirror: Mirror | null;
  private connection: Sending | null = null;
  private attempt: Attempt | null = null;
  private target: Target | null = null;
  private tried: readonly Target[] = UNTRIED;
  private lastFailure: FailureKind | null = null;
  private sentAt = 0;
  /** Bytes of a response body of known length that are still to come. */
  private remaining = -1;
  private encoder: BodyEncoder | null = null;
  private trailers: string[] = [];
  /** The last piece of the answer. */
  private last: string | Buffer | undefined = undefined;
  /** The tap has answered: what still comes from the target is for nobody. */
  private answeredOtherwise = false;
  private waitingForClient = false;
  private deadline: NodeJS.Timeout | undefined;
  private pause: NodeJS.Timeout | undefined;

  constructor(
    private readonly exchange: Exchange<Route>,
    private readonly route: Route,
    private readonly share: UpstreamShare,
    private readonly plan: HeadPlan,
    private readonly tap: ResponseTap | null,
  ) {
    this.res = exchange.res;
    this.mirror = route.mirror?.takes() === true ? new Mirror(exchange, plan, route.mirror.upstream) : null;
    const keep = share.retry !== null || this.mirror !== null;
    this.body = new RequestBody(exchange, plan.framing, { limit: route.bodyLimit, time: route.bodyTime, keep }, this);
  }

  start(): void {
    const { exchange, route, share } = this;
    exchange.call = this;
    // What came while this process was held up is read first: an answer that is there is no late one.
    if (route.timeout !== null) {
      this.deadline = setTimeout(() => setImmediate(() => this.outOfTime()), this.timeLeft());
    }
    if (this.mirror !== null && this.plan.framing === NO_BODY) this.mirror.send([]);
    share.upstream.budget.request(performance.now());
    this.try('kept');
  }

  private timeLeft(): number {
    const { timeout } = this.route;
    return timeout === null ? Infinity : Math.max(0, this.exchange.startedAt + timeout - performance.now());
  }

  private try(use: 'kept' | 'new'): void {
    const { exchange, plan } = this;
    const { upstream } = this.share;
    const now = performance.now();
    exchange.steps?.begin('connect', now);
    const target = upstream.select(exchange, this.tried, now);
    if (typeof target === 'string') {
      this.refuse(target, NO_TARGET[target]);
      return;
    }
    if (!upstream.limit.tryAcquire(now, false)) {
      this.refuse('overloaded', 'The upstream has as many requests as it can take.');
      return;
    }
    this.attempt = new Attempt(target, upstream.limit, now, plan.framing !== NO_BODY);
    this.target = target;
    exchange.backend = target.name;
    const head = requestHead(exchange, plan, target.host);
    const how = exchange.upgrade === null ? use : 'upgrade';
    this.connection = target.pool.request(plan.method, head, plan.framing !== NO_BODY, this, how);
  }

  sent(connection: Sending): void {
    this.connection = connection;
    this.sentAt = performance.now();
    this.exchange.steps?.begin('upstream', this.sentAt);
    this.body.sendTo(connection);
  }

  drained(): void {
    this.body.drained();
  }

  bodyEnded(): void {
    const body = this.body.complete;
    if (body !== null) this.mirror?.send(body);
  }

  bodySent(): void {
    this.attempt?.bodySent(performance.now());
  }

  bodyTooLarge(): void {
    this.giveUp('body_too_large', `The body is larger than ${this.route.bodyLimit} bytes.`);
  }

  bodyTooSlow(): void {
    this.giveUp('request_timeout', 'The body of the request did not arrive in time.');
  }

  bodyRefused({ code, detail, headers }: Refusal): void {
    this.giveUp(code, detail, headers);
  }

  private outOfTime(): void {
    if (this.exchange.call !== this) return;
    this.exchange.errorMessage = `the exchange took longer than ${this.route.timeout ?? 0} ms`;
    if (!this.body.arriving) this.attempt?.failed('timeout', performance.now());
    this.giveUp('upstream_timeout', DETAIL.timeout);
  }

  informational(head: ResponseHead): void {
    if (head.status !== 103 || isHttp10(this.exchange.req) || this.exchange.upgrade) return;
    const links: string[] = [];
    for (let i = 0; i < head.headers.length; i += 2) {
      if (head.headers[i]?.toLowerCase() === 'link') links.push(head.headers[i + 1] ?? '');
    }
    if (links.length > 0) this.res.writeEarlyHints({ link: links });
  }

  head(head: ResponseHead): void {
    const { exchange, res, route } = this;
    const { headers: fields, status, length } = head;
    const now = performance.now();
    this.attempt?.answered(status, now);
    if (status >= 400 && this.share.retry !== null && this.tryAgain(status, now)) return;
    exchange.upstreamMs = now - this.sentAt;
    if (this.tap?.head(head) === true) {
      this.yield(length !== 0);
      return;
    }
    exchange.onResponseHead?.(fields);
    route.shape.dress(exchange, fields);
    const coding = route.shape.encode(exchange, status, fields);
    if (coding === null) this.remaining = length;
    else this.encoder = new BodyEncoder(coding, length > 0 ? length : undefined, this.encoded());
    fields.push('X-Request-Id', exchange.id);
    const added = addedFields(exchange);
    if (added.length > 0) fields.push(...added);
    // Without chunks there is no place for them.
    if (length < 0 && isHttp10(exchange.req)) dropField(fields, 'trailer');
    try {
      res.writeHead(status, head.reason, fields);
      exchange.status = status;
    } catch (error) {
      res.statusMessage = '';
      exchange.errorMessage = String(error);
      this.giveUp('upstream_reset', DETAIL.protocol);
    }
  }

  /** The client was answered by the tap. */
  private yield(bodyToCome: boolean): void {
    const { attempt, connection } = this;
    this.answeredOtherwise = true;
    attempt?.finished(performance.now());
    this.end();
    if (bodyToCome) connection?.abort();
  }

  data(piece: Buffer): void {
    const { encoder, res } = this;
    const others = this.tap?.data(piece) === 'much';
    if (encoder !== null) {
      if (!encoder.write(Buffer.from(piece)) && !others) this.connection?.pause();
      return;
    }
    this.exchange.bytesOut += piece.length;
    if (this.remaining >= 0) {
      this.remaining -= piece.length;
      if (this.remaining === 0) {
        this.last = piece.length <= SMALL ? piece.toString('latin1') : Buffer.from(piece);
        this.answered();
        return;
      }
    }
    if (!res.write(Buffer.from(piece)) && res.writableLength > 0 && !others) this.holdBack();
  }

  /** The client is behind: nothing more is read, or compressed, until it has caught up. */
  private holdBack(): void {
    if (this.encoder === null) this.connection?.pause();
    else this.encoder.pause();
    if (this.waitingForClient) return;
    this.waitingForClient = true;
    this.res.on('drain', () => {
      if (this.encoder === null) this.connection?.resume();
      else this.encoder.resume();
    });
  }

  complete(trailers: string[]): void {
    if (this.answeredOtherwise) return;
    this.tap?.complete(trailers);
    this.attempt?.finished(performance.now());
    if (this.encoder === null) this.finish(trailers);
    else {
      this.trailers = trailers;
      this.connection = null;
      this.encoder.end();
    }
  }

  private finish(trailers: string[]): void {
    this.end();
    if (trailers.length > 0) this.res.addTrailers(pairs(trailers));
    this.answered();
  }

  private answered(): void {
    if (!this.exchange.answered) letAnswerLeave(this.exchange, this);
  }

  leave(): void {
    const { last, res } = this;
    if (typeof last === 'string') res.end(last, 'latin1');
    else res.end(last);
  }

  private encoded(): EncodedBody {
    return {
      data: (piece) => {
        this.exchange.bytesOut += piece.length;
        if (!this.res.write(piece) && this.res.writableLength > 0) this.holdBack();
      },
      drained: () => this.connection?.resume(),
      end: () => this.finish(this.trailers),
      failed: (error) => {
        this.exchange.errorMessage = `compression failed: ${error.message}`;
        this.giveUp('internal_error', 'The response could not be compressed.');
      },
    };
  }

  upgraded(head: ResponseHead, socket: Socket, first: Buffer): void {
    const { exchange, attempt } = this;
    const { upgrade } = exchange;
    const now = performance.now();
    attempt?.answered(101, now);
    if (upgrade === null) {
      socket.destroy();
      attempt?.failed('protocol', now);
      this.giveUp('upstream_reset', 'The target switched protocols without being asked.');
      return;
    }
    this.attempt = null;
    this.end();
    exchange.status = 101;
    exchange.upstreamMs = now - this.sentAt;
    socket.once('close', () => attempt?.finished(performance.now()));
    let text = `HTTP/1.1 101 ${head.reason === '' ? 'Switching Protocols' : head.reason}\r\nConnection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
    exchange.onResponseHead?.(head.headers);
    const fields = [...head.headers, ...addedFields(exchange)];
    for (let i = 0; i < fields.length; i += 2) text += `${fields[i] ?? ''}: ${fields[i + 1] ?? ''}\r\n`;
    splice(exchange, upgrade, socket, first, `${text}X-Request-Id: ${exchange.id}\r\n\r\n`);
  }

  failed({ kind, message }: UpstreamFailure): void {
    const { exchange } = this;
    const now = performance.now();
    this.connection = null;
    exchange.errorMessage = message;
    this.lastFailure = kind;
    this.attempt?.failed(kind, now);
    if (this.tryAgain(kind, now)) return;
    this.giveUp(CODE[kind], DETAIL[kind]);
  }

  /** True: another try is on its way, and of this one nothing is used. */
  private tryAgain(outcome: FailureKind | number, now: number): boolean {
    const { exchange, share, plan, body } = this;
    if (exchange.status !== 0) return false;
    const tried = {
      method: plan.method,
      outcome,
      retries: exchange.retries,
      body: body.whole ? ('whole' as const) : ('consumed' as const),
      responseStarted: false,
      timeLeft: this.timeLeft(),
    };
    const unread = outcome === 'refused' || (outcome === 'stale' && isSafeToRepeat(plan.method));
    const again = unread && body.whole && exchange.retries === 0;
    const pause = again ? 0 : (share.retry?.decide(tried, share.upstream.budget, now, Math.random()) ?? 'method');
    if (typeof pause === 'string') return false;
    exchange.retries++;
    body.detach();
    this.attempt?.finished(now);
    this.attempt = null;
    this.connection?.abort();
    this.connection = null;
    if (!again && this.target !== null) this.tried = [...this.tried, this.target];
    // A kept connection that was closed says nothing about the target; others may be as old, so a new one is made.
    if (again) this.try('new');
    else this.pause = setTimeout(() => this.try('kept'), pause);
    return true;
  }

  /** No try was possible. After one that failed, what is told is that failure. */
  private refuse(code: ErrorCode, detail: string): void {
    this.end();
    if (this.tap?.failed(true) === true) return;
    if (this.lastFailure === null) answerProblem(this.exchange, code, detail);
    else answerProblem(this.exchange, CODE[this.lastFailure], DETAIL[this.lastFailure]);
  }

  /** Ends the exchange from our side; what has been answered already is cut off. */
  private giveUp(code: ErrorCode, detail: string, headers?: Refusal['headers']): void {
    const { exchange, connection } = this;
    this.end();
    connection?.abort();
    if (this.tap?.failed(exchange.status === 0) === true) return;
    answerProblem(exchange, code, detail, headers);
  }

  /** The client is gone. */
  abort(): void {
    const { connection } = this;
    this.end();
    connection?.abort();
    this.tap?.left();
  }

  private end(): void {
    this.attempt?.abandoned(performance.now());
    this.attempt = null;
    this.connection = null;
    if (this.exchange.call === this) this.exchange.call = null;
    clearTimeout(this.deadline);
    clearTimeout(this.pause);
    this.body.stop();
    this.encoder?.destroy();
  }
}

/** Methods that mean the same when they arrive twice (RFC 9110, 9.2.2). */
function isSafeToRepeat(method: string): boolean {
  return method !== 'POST' && method !== 'PATCH' && method !== 'CONNECT';
}

/** Of a flat list, in place. */
function dropField(fields: string[], lower: string): void {
  for (let i = fields.length - 2; i >= 0; i -= 2) if (fields[i]?.toLowerCase() === lower) fields.splice(i, 2);
}

function pairs(flat: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) list.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return list;
}
