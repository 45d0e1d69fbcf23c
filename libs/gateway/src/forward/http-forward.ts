import { type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type ErrorCode, type Exchange } from '#kernel';
import { answerProblem } from '../answer.js';
import { BodyEncoder, type EncodedBody } from '../transform/body-encoder.js';
import { type Target } from '../upstreams/target.js';
import { type Route } from '../route.js';
import { BodyPatience } from './body-patience.js';
import { type Http1Connection, type ResponseHandler } from './http1/connection.js';
import { type Use } from './http1/pool.js';
import { type ResponseHead } from './http1/response-head.js';
import { type FailureKind, type UpstreamFailure } from './http1/upstream-failure.js';
import { type HeadPlan, IN_CHUNKS, NO_BODY, requestHead } from './request-head.js';
import { splice } from './splice.js';

const CODE: Readonly<Record<FailureKind, ErrorCode>> = {
  connect: 'upstream_unreachable',
  'connect-timeout': 'upstream_timeout',
  stale: 'upstream_reset',
  reset: 'upstream_reset',
  protocol: 'upstream_reset',
  timeout: 'upstream_timeout',
};

const DETAIL: Readonly<Record<FailureKind, string>> = {
  connect: 'The target refused the connection or could not be found.',
  'connect-timeout': 'The target did not accept a connection in time.',
  stale: 'The target closed the connection before it answered.',
  reset: 'The target closed the connection before its answer was complete.',
  protocol: 'What the target answered is not valid HTTP.',
  timeout: 'The target did not answer in time.',
};

const SMALL = 16_384;

/** Methods whose request may be sent again when nothing of an answer has come (RFC 9110 §9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/**
 * One exchange with its upstream: streams the request there and the response back, holds either side back when the other
 * is slow, and ends either side when the other is gone.
 */
export class HttpForward implements ResponseHandler {
  private connection: Http1Connection | null = null;
  private readonly res: ServerResponse;
  private sentAt = 0;
  /** Bytes of a response body of known length that are still to come. */
  private remaining = -1;
  private bodyStarted = false;
  private waitingForClient = false;
  private timer: NodeJS.Timeout | undefined;
  private patience: BodyPatience | undefined;
  private encoder: BodyEncoder | null = null;
  private trailers: string[] = [];

  constructor(
    private readonly exchange: Exchange<Route>,
    private readonly route: Route,
    private readonly target: Target,
    private readonly plan: HeadPlan,
  ) {
    this.res = exchange.res;
  }

  start(): void {
    const { exchange, route } = this;
    exchange.call = this;
    exchange.backend = this.target.name;
    if (route.timeout !== null) {
      this.timer = setTimeout(
        () => this.outOfTime(),
        Math.max(0, exchange.startedAt + route.timeout - performance.now()),
      );
    }
    this.send(exchange.upgrade === null ? 'kept' : 'upgrade');
  }

  private send(use: Use): void {
    const { plan, exchange } = this;
    const head = requestHead(exchange, plan);
    this.connection = this.target.pool.request(plan.method, head, this.plan.framing !== NO_BODY, this, use);
  }

  sent(connection: Http1Connection): void {
    this.connection = connection;
    this.sentAt = performance.now();
    if (this.plan.framing !== NO_BODY) this.sendBody();
  }

  private sendBody(): void {
    const { req } = this.exchange;
    this.bodyStarted = true;
    if (req.headers.expect !== undefined) this.res.writeContinue();
    const patience = new BodyPatience(this.route.bodyTime, () => this.clientTooSlow());
    this.patience = patience;
    this.connection?.clientIsSlow();
    req.on('data', (piece: Buffer) => this.bodyPiece(piece));
    req.on('end', () => {
      patience.stop();
      this.connection?.end(this.plan.framing === IN_CHUNKS ? '0\r\n\r\n' : '');
    });
  }

  private clientTooSlow(): void {
    this.connection?.abort();
    this.end();
    answerProblem(this.exchange, 'request_timeout', 'The body of the request did not arrive in time.');
  }

  private bodyPiece(piece: Buffer): void {
    const { exchange, connection } = this;
    exchange.bytesIn += piece.length;
    if (connection === null) return;
    if (exchange.bytesIn > this.route.bodyLimit) {
      connection.abort();
      this.end();
      answerProblem(exchange, 'body_too_large', `The body is larger than ${this.route.bodyLimit} bytes.`);
      return;
    }
    const flowing = this.plan.framing === IN_CHUNKS ? connection.writeChunk(piece) : connection.write(piece);
    if (flowing) connection.clientIsSlow();
    else {
      exchange.req.pause();
      this.patience?.pause();
    }
  }

  drained(): void {
    if (!this.bodyStarted) return;
    this.connection?.clientIsSlow();
    this.patience?.resume();
    this.exchange.req.resume();
  }

  informational(head: ResponseHead): void {
    if (head.status !== 103 || this.exchange.req.httpVersionMinor === 0 || this.exchange.upgrade) return;
    const links: string[] = [];
    for (let i = 0; i < head.headers.length; i += 2) {
      if (head.headers[i]?.toLowerCase() === 'link') links.push(head.headers[i + 1] ?? '');
    }
    if (links.length > 0) this.res.writeEarlyHints({ link: links });
  }

  head(head: ResponseHead): void {
    const { exchange, res, route } = this;
    const { headers: fields, status, length } = head;
    exchange.upstreamMs = performance.now() - this.sentAt;
    exchange.onResponseHead?.(fields);
    route.shape.dress(exchange, fields);
    const coding = route.shape.encode(exchange, status, fields);
    if (coding === null) this.remaining = length;
    else this.encoder = new BodyEncoder(coding, length > 0 ? length : undefined, this.encoded());
    fields.push('X-Request-Id', exchange.id);
    if (exchange.answerHeaders.length > 0) fields.push(...exchange.answerHeaders);
    try {
      res.writeHead(status, head.reason, fields);
      exchange.status = status;
    } catch (error) {
      this.connection?.abort();
      this.end();
      exchange.errorMessage = String(error);
      answerProblem(exchange, 'upstream_reset', DETAIL.protocol);
    }
  }

  data(piece: Buffer): void {
    const { encoder, res } = this;
    if (encoder !== null) {
      if (!encoder.write(Buffer.from(piece))) this.connection?.pause();
      return;
    }
    this.exchange.bytesOut += piece.length;
    if (this.remaining >= 0) {
      this.remaining -= piece.length;
      if (this.remaining === 0) {
        // A string leaves together with the head in one write; for a large body its conversion would cost more than that saves.
        if (piece.length <= SMALL) res.end(piece.toString('latin1'), 'latin1');
        else res.end(Buffer.from(piece));
        return;
      }
    }
    if (!res.write(Buffer.from(piece)) && res.writableLength > 0) this.holdBack();
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
    if (!this.res.writableEnded) this.res.end();
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
        this.connection?.abort();
        this.end();
        this.exchange.errorMessage = `compression failed: ${error.message}`;
        this.exchange.errorCode = 'internal_error';
        this.res.destroy();
      },
    };
  }

  upgraded(head: ResponseHead, socket: Socket, first: Buffer): void {
    this.end();
    const { exchange } = this;
    const { upgrade } = exchange;
    if (upgrade === null) {
      socket.destroy();
      answerProblem(exchange, 'upstream_reset', 'The target switched protocols without being asked.');
      return;
    }
    exchange.status = 101;
    exchange.upstreamMs = performance.now() - this.sentAt;
    let text = `HTTP/1.1 101 ${head.reason === '' ? 'Switching Protocols' : head.reason}\r\nConnection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
    for (let i = 0; i < head.headers.length; i += 2)
      text += `${head.headers[i] ?? ''}: ${head.headers[i + 1] ?? ''}\r\n`;
    splice(exchange, upgrade, socket, first, `${text}X-Request-Id: ${exchange.id}\r\n\r\n`);
  }

  failed(failure: UpstreamFailure): void {
    const { exchange } = this;
    this.connection = null;
    exchange.errorMessage = failure.message;
    if (exchange.status !== 0) {
      this.end();
      exchange.errorCode = CODE[failure.kind];
      this.res.destroy();
      return;
    }
    if (failure.kind === 'stale' && !this.bodyStarted && IDEMPOTENT.has(this.plan.method)) {
      exchange.retries++;
      this.send('new');
      return;
    }
    this.end();
    answerProblem(exchange, CODE[failure.kind], DETAIL[failure.kind]);
  }

  private outOfTime(): void {
    const { exchange, connection } = this;
    this.end();
    connection?.abort();
    exchange.errorMessage = `the exchange took longer than ${this.route.timeout ?? 0} ms`;
    if (exchange.status !== 0) {
      exchange.errorCode = 'upstream_timeout';
      this.res.destroy();
    } else answerProblem(exchange, 'upstream_timeout', DETAIL.timeout);
  }

  /** The client is gone. */
  abort(): void {
    const { connection } = this;
    this.end();
    connection?.abort();
  }

  private end(): void {
    this.connection = null;
    this.exchange.call = null;
    clearTimeout(this.timer);
    this.patience?.stop();
    this.encoder?.destroy();
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) list.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return list;
}
