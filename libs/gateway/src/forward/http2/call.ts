import {
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { endToEndTrailers } from '../http1/response-head.js';
import { type FailureKind, UpstreamFailure } from '../http1/upstream-failure.js';
import { type ResponseHandler, type Sending, type Timeouts } from '../target-pool.js';
import { Deadline } from './deadline.js';
import { requestFields, responseHead } from './fields.js';

/** Informational responses to one request. */
const MAX_INFORMED = 100;
const NO_TRAILERS: readonly string[] = [];

/** The connection that a call is made on. */
export interface CallSession {
  readonly secure: boolean;
  /** Takes no more requests. */
  readonly ended: boolean;
  readonly isGone: boolean;
  /** Why it is gone. */
  readonly lost: string | null;
  /** It has answered before. */
  readonly used: boolean;
  /** The last stream that the target has looked at, or will. */
  readonly lastTaken: number;
  open(fields: OutgoingHttpHeaders, options: ClientSessionRequestOptions): ClientHttp2Stream;
  /** Something came. */
  heard(): void;
  /** A stream of it is closed. */
  released(): void;
}

/** One exchange with a target over HTTP/2: a stream, once there is a session to open it on. */
export class Http2Call implements Sending {
  private handler: ResponseHandler | null;
  private session: CallSession | null = null;
  private stream: ClientHttp2Stream | null = null;
  /** The session had nothing else to do when this came. */
  private alone = false;
  private requestDone: boolean;
  private requestTrailers = NO_TRAILERS;
  private answered = false;
  /** Bytes of the response body that are still to come, if its length is known. */
  private remaining = 0;
  private trailers: string[] = [];
  private informed = 0;
  private paused = false;
  private readonly deadline = new Deadline(() => this.timedOut());
  /** Sessions that it was given to and that had no room for it after all. */
  moves = 0;

  constructor(
    private readonly method: string,
    private readonly head: string,
    private readonly hasBody: boolean,
    handler: ResponseHandler,
    private readonly timeouts: Timeouts,
  ) {
    this.handler = handler;
    this.requestDone = !hasBody;
  }

  /** Nobody wants it any more. */
  get isOver(): boolean {
    return this.handler === null;
  }

  begin(session: CallSession, alone: boolean): void {
    const { handler } = this;
    if (handler === null) return;
    this.session = session;
    this.alone = alone;
    const { fields, chunked } = requestFields(this.head, session.secure);
    let stream: ClientHttp2Stream;
    try {
      stream = session.open(fields, { endStream: !this.hasBody, waitForTrailers: this.hasBody && chunked });
    } catch (error) {
      // Whoever began this must have it in hand before it hears of its end.
      session.released();
      process.nextTick(() => this.fail(session.ended ? 'refused' : 'protocol', String(error)));
      return;
    }
    this.stream = stream;
    this.follow(stream);
    this.deadline.set(this.requestDone ? this.timeouts.response : this.timeouts.idle);
    handler.sent(this);
  }

  private follow(stream: ClientHttp2Stream): void {
    stream.on('headers', (fields: IncomingHttpHeaders, _flags: number, raw?: string[]) => {
      this.inform(Number(fields[':status']), raw ?? []);
    });
    stream.on('response', (fields: IncomingHttpHeaders, flags: number, raw?: string[]) => {
      this.answer(Number(fields[':status']), raw ?? [], (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0);
    });
    stream.on('data', (piece: Buffer) => this.data(piece));
    stream.on(
      'trailers',
      (_fields: unknown, _flags: unknown, raw: string[]) => (this.trailers = endToEndTrailers(raw)),
    );
    stream.on('end', () => this.ended());
    stream.on('drain', () => {
      if (!this.requestDone) this.deadline.set(this.timeouts.idle);
      this.handler?.drained();
    });
    stream.on('wantTrailers', () => stream.sendTrailers(grouped(this.requestTrailers)));
    // What is wrong is told when the stream is closed.
    stream.on('error', () => undefined);
    stream.on('close', () => this.closed(stream));
  }

  private inform(status: number, raw: readonly string[]): void {
    if (++this.informed > MAX_INFORMED) {
      this.fail('protocol', `more than ${MAX_INFORMED} informational responses`);
      return;
    }
    try {
      this.handler?.informational(responseHead(status, raw, false, this.method));
    } catch {
      // It was only a hint, and one that cannot be handed on: the response itself may be in order.
    }
  }

  private answer(status: number, raw: readonly string[], isAll: boolean): void {
    const { handler } = this;
    this.session?.heard();
    if (handler === null || this.answered) return;
    this.answered = true;
    const head = responseHead(status, raw, isAll, this.method);
    this.remaining = head.length;
    this.deadline.set(this.timeouts.idle);
    handler.head(head);
    if (isAll && this.handler === handler) this.complete(handler);
  }

  private data(piece: Buffer): void {
    this.session?.heard();
    if (!this.paused) this.deadline.set(this.timeouts.idle);
    if (this.remaining > 0) this.remaining -= piece.length;
    this.handler?.data(piece);
  }

  private ended(): void {
    const { handler, stream } = this;
    // A stream that was reset has an end too; what became of it is told when it is closed.
    if (handler === null || !this.answered || stream?.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    if (this.remaining > 0) return;
    this.complete(handler);
  }

  private complete(handler: ResponseHandler): void {
    this.over();
    // The rest of the request would go nowhere.
    if (!this.requestDone) this.stream?.close(constants.NGHTTP2_CANCEL);
    handler.complete(this.trailers);
  }

  private closed({ id, rstCode }: ClientHttp2Stream): void {
    const { session } = this;
    if (session === null) return;
    session.released();
    if (this.handler === null) return;
    const reset = `the stream was reset with code ${rstCode}`;
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM || id === undefined || id > session.lastTaken)
      this.fail('refused', 'the target closed the connection without having looked at the request');
    else if (session.isGone)
      this.fail(
        this.alone && session.used && !this.answered ? 'stale' : 'reset',
        session.lost ?? 'the connection was closed',
      );
    else if (rstCode === constants.NGHTTP2_PROTOCOL_ERROR) this.fail('protocol', 'the response is not valid HTTP/2');
    else this.fail('reset', reset);
  }

  write(piece: Buffer): boolean {
    const { stream } = this;
    if (stream === null || stream.destroyed || stream.writableEnded) return true;
    this.deadline.set(this.timeouts.idle);
    return stream.write(piece);
  }

  writeChunk(piece: Buffer): boolean {
    return this.write(piece);
  }

  end(_inChunks: boolean, trailers: readonly string[]): void {
    const { stream } = this;
    this.requestTrailers = trailers;
    this.requestDone = true;
    if (!this.answered) this.deadline.set(this.timeouts.response);
    if (stream !== null && !stream.destroyed) stream.end();
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.deadline.lift();
    this.stream?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.handler !== null) this.deadline.set(this.timeouts.idle);
    this.stream?.resume();
  }

  clientIsSlow(): void {
    this.deadline.lift();
  }

  abort(): void {
    this.over();
    this.stream?.close(constants.NGHTTP2_CANCEL);
  }

  fail(kind: FailureKind, message: string): void {
    const { handler } = this;
    if (handler === null) return;
    this.abort();
    handler.failed(new UpstreamFailure(kind, message));
  }

  private over(): void {
    this.handler = null;
    this.deadline.stop();
    // What still arrives has to be read, or the stream would never be closed.
    if (this.paused) this.stream?.resume();
  }

  private timedOut(): void {
    const { response, idle } = this.timeouts;
    if (!this.answered && this.requestDone) this.fail('timeout', `no response within ${response} ms`);
    else this.fail('timeout', `nothing for ${idle} ms`);
  }
}

function grouped(flat: readonly string[]): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (let i = 0; i < flat.length; i += 2)
    (fields[(flat[i] as string).toLowerCase()] ??= []).push(flat[i + 1] as string);
  return fields;
}
