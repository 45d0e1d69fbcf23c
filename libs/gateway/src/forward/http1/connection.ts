import { type Socket } from 'node:net';
import { leaveAtEndOfTurn, type Leaver } from '../../end-of-turn.js';
import { type ResponseHandler, type Sending, type Timeouts } from '../target-pool.js';
import { ChunkedBody } from './chunked-body.js';
import { CHUNKED, parseResponseHead, parseTrailers, type ResponseHead, UNTIL_CLOSE } from './response-head.js';
import { type FailureKind, UpstreamFailure } from './upstream-failure.js';

/** How the pool hears of a connection's fate. */
export interface ConnectionOwner {
  released(connection: Http1Connection): void;
  closed(connection: Http1Connection): void;
}

const MAX_HEAD = 65_536;
const LAST_CHUNK = '0\r\n\r\n';
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const NOTHING: readonly string[] = [];
/** Kept connections are given up before common servers (Node: 5 s) give them up themselves, so that few requests meet a closing one. */
const KEEP_ALIVE = 4000;

/**
 * One HTTP/1.1 connection to a target, carrying one exchange at a time (no pipelining: a slow answer would hold up the
 * next one's, and a broken connection would take both). All time limits share one timer, which is re-armed only when it
 * fires too early: a request costs an assignment, not a timer.
 */
export class Http1Connection implements Sending, Leaver {
  private handler: ResponseHandler | null = null;
  private method = '';
  /** Empty once it has left. */
  private requestHead = '';
  private requestDone = true;
  private response: ResponseHead | null = null;
  private partialHead: Buffer | null = null;
  /** Bytes of informational responses to this request. */
  private informed = 0;
  private chunked: ChunkedBody | null = null;
  private remaining = 0;
  private connected: boolean;
  private reused = false;
  private closed = false;
  private paused = false;
  private deadline = Infinity;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  /** When an idle connection is given up. */
  idleUntil = Infinity;

  constructor(
    private readonly owner: ConnectionOwner,
    private readonly socket: Socket,
    private readonly timeouts: Timeouts,
    connectedEvent: 'connect' | 'secureConnect',
  ) {
    this.connected = false;
    socket.once(connectedEvent, () => {
      this.connected = true;
      this.begin();
    });
    socket.on('drain', () => {
      if (!this.requestDone) this.setDeadline(this.timeouts.idle);
      this.handler?.drained();
    });
    socket.on('end', () => this.ended());
    socket.on('error', (error) => this.fail(this.connected ? 'reset' : 'connect', error.message || String(error)));
    socket.on('close', () => this.fail(this.connected ? 'reset' : 'connect', 'the connection was closed'));
  }

  get usable(): boolean {
    return !this.closed && this.socket.writable;
  }

  /** `head` ends with its empty line. `hasBody`: `write` and `end` will follow `sent`. */
  request(method: string, head: string, hasBody: boolean, handler: ResponseHandler): void {
    this.method = method;
    this.requestHead = head;
    this.handler = handler;
    this.requestDone = !hasBody;
    this.response = null;
    this.informed = 0;
    if (this.connected) this.begin();
    else this.setDeadline(this.timeouts.connect);
  }

  private begin(): void {
    const { handler } = this;
    if (!handler) return;
    if (!this.requestDone) {
      // What of the body is there already leaves with it.
      this.socket.cork();
      this.writeHead();
    }
    leaveAtEndOfTurn(this);
    this.setDeadline(this.requestDone ? this.timeouts.response : this.timeouts.idle);
    handler.sent(this);
  }

  private writeHead(): void {
    this.socket.write(this.requestHead, 'latin1');
    this.requestHead = '';
  }

  leave(): void {
    if (this.closed) return;
    if (this.requestHead === '') this.socket.uncork();
    else this.writeHead();
  }

  /** False: wait for `drained`. */
  write(piece: Buffer): boolean {
    if (this.closed) return true;
    this.setDeadline(this.timeouts.idle);
    return this.socket.write(piece);
  }

  writeChunk(piece: Buffer): boolean {
    if (this.closed) return true;
    this.setDeadline(this.timeouts.idle);
    this.socket.cork();
    this.socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
    this.socket.write(piece);
    const flowing = this.socket.write('\r\n', 'latin1');
    this.socket.uncork();
    return flowing;
  }

  end(inChunks: boolean): void {
    if (this.closed) return;
    if (inChunks) this.socket.write(LAST_CHUNK, 'latin1');
    this.requestDone = true;
    if (this.response === null) this.setDeadline(this.timeouts.response);
  }

  /** While the client is slow nothing is read here, and the target is not blamed for it. */
  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.deadline = Infinity;
    this.socket.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.setDeadline(this.timeouts.idle);
    this.socket.resume();
  }

  /** The client is slow with the request's body: that time is not the target's. */
  clientIsSlow(): void {
    this.deadline = Infinity;
  }

  /** Ends it without a word to the handler. */
  abort(): void {
    this.handler = null;
    this.close();
  }

  /** `bytes` may be overwritten after the call. */
  received(bytes: Buffer): void {
    const { handler } = this;
    if (!handler) {
      // Bytes that nobody asked for: they would be taken for the answer to the next request.
      this.close();
      return;
    }
    if (this.requestHead !== '') {
      this.fail('reset', 'the target answered before it was asked');
      return;
    }
    if (this.response === null) this.readHead(bytes, handler);
    else this.readBody(bytes, this.response, handler);
  }

  private readHead(arrived: Buffer, handler: ResponseHandler): void {
    const bytes = this.partialHead === null ? arrived : Buffer.concat([this.partialHead, arrived]);
    this.partialHead = null;
    const end = bytes.indexOf(END_OF_HEAD);
    if (end < 0) {
      if (bytes.length > MAX_HEAD) this.fail('protocol', `the response head is larger than ${MAX_HEAD} bytes`);
      else this.partialHead = bytes === arrived ? Buffer.from(bytes) : bytes;
      return;
    }
    const head =
      end > MAX_HEAD
        ? `the response head is larger than ${MAX_HEAD} bytes`
        : parseResponseHead(bytes.toString('latin1', 0, end + 2), this.method);
    if (typeof head === 'string') {
      this.fail('protocol', head);
      return;
    }
    const rest = end + 4 === bytes.length ? null : bytes.subarray(end + 4);
    if (head.status === 101) {
      this.upgrade(head, rest, handler);
      return;
    }
    if (head.status < 200) {
      this.inform(head, end, handler);
      if (rest !== null && this.handler === handler) this.readHead(rest, handler);
      return;
    }
    this.response = head;
    this.remaining = head.length;
    this.chunked = head.length === CHUNKED ? new ChunkedBody() : null;
    this.setDeadline(this.timeouts.idle);
    handler.head(head);
    if (this.handler !== handler) return;
    if (head.length === 0) this.completed(rest !== null, NOTHING as string[]);
    else if (rest !== null) this.readBody(rest, head, handler);
  }

  private inform(head: ResponseHead, bytes: number, handler: ResponseHandler): void {
    this.informed += bytes;
    if (this.informed > MAX_HEAD) {
      this.fail('protocol', `the informational responses are larger than ${MAX_HEAD} bytes`);
      return;
    }
    try {
      handler.informational(head);
    } catch {
      // It was only a hint, and one that cannot be handed on: the response itself may be in order.
    }
  }

  private readBody(bytes: Buffer, head: ResponseHead, handler: ResponseHandler): void {
    if (!this.paused) this.setDeadline(this.timeouts.idle);
    if (head.length >= 0) {
      if (bytes.length < this.remaining) {
        this.remaining -= bytes.length;
        handler.data(bytes);
        return;
      }
      const surplus = bytes.length > this.remaining;
      handler.data(surplus ? bytes.subarray(0, this.remaining) : bytes);
      if (this.handler === handler) this.completed(surplus, NOTHING as string[]);
      return;
    }
    const { chunked } = this;
    if (chunked === null) {
      handler.data(bytes);
      return;
    }
    const used = chunked.read(bytes, (piece) => {
      if (this.handler === handler) handler.data(piece);
    });
    if (this.handler !== handler) return;
    if (used < 0) this.fail('protocol', 'the chunked body is malformed');
    else if (chunked.done) {
      const trailers = parseTrailers(chunked.trailerText);
      if (trailers === undefined) this.fail('protocol', 'the trailer section is malformed');
      else this.completed(used < bytes.length, trailers);
    }
  }

  private completed(surplus: boolean, trailers: string[]): void {
    const { handler, response } = this;
    this.handler = null;
    this.deadline = Infinity;
    if (response?.keepAlive === true && !surplus && this.requestDone && this.socket.writable) {
      this.reused = true;
      if (this.paused) {
        this.paused = false;
        this.socket.resume();
      }
      const hinted = response.keepAliveTimeout;
      const kept = hinted < 0 ? KEEP_ALIVE : Math.min(hinted * 1000 - 1000, KEEP_ALIVE);
      if (kept > 0) {
        this.idleUntil = performance.now() + kept;
        this.owner.released(this);
      } else this.close();
    } else this.close();
    handler?.complete(trailers);
  }

  private upgrade(head: ResponseHead, rest: Buffer | null, handler: ResponseHandler): void {
    if (head.upgrade.toLowerCase() !== 'websocket') {
      this.fail('protocol', `the response switches to "${head.upgrade}", which was not asked for`);
      return;
    }
    this.handler = null;
    this.closed = true;
    clearTimeout(this.timer);
    this.socket.removeAllListeners();
    this.socket.pause();
    this.owner.closed(this);
    handler.upgraded(head, this.socket, rest === null ? Buffer.alloc(0) : Buffer.from(rest));
  }

  private ended(): void {
    if (this.handler !== null && this.response?.length === UNTIL_CLOSE) this.completed(false, NOTHING as string[]);
    else this.fail(this.connected ? 'reset' : 'connect', 'the connection was closed before the response was complete');
  }

  private fail(kind: FailureKind, message: string): void {
    const { handler } = this;
    this.handler = null;
    this.close();
    if (handler === null) return;
    const untouched = kind === 'reset' && this.reused && this.response === null && this.partialHead === null;
    handler.failed(new UpstreamFailure(untouched ? 'stale' : kind, message));
  }

  /** Closes an idle or finished connection. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    this.socket.destroy();
    this.owner.closed(this);
  }

  private setDeadline(ms: number): void {
    const at = performance.now() + ms;
    this.deadline = at;
    if (this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => this.timedOut(), ms);
  }

  private timedOut(): void {
    this.timerAt = Infinity;
    const now = performance.now();
    if (this.handler === null || this.deadline === Infinity) return;
    if (this.deadline > now + 1) {
      this.setDeadline(this.deadline - now);
      return;
    }
    const { deadline } = this;
    // A process that was held up comes to its timers before its sockets: what has arrived by now is read first.
    setImmediate(() => this.giveUp(deadline));
  }

  private giveUp(passed: number): void {
    if (this.handler === null || this.deadline !== passed) return;
    if (!this.connected) this.fail('connect-timeout', `no connection within ${this.timeouts.connect} ms`);
    else if (this.response === null && this.requestDone)
      this.fail('timeout', `no response within ${this.timeouts.response} ms`);
    else this.fail('timeout', `nothing for ${this.timeouts.idle} ms`);
  }
}
