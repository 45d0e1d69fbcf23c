import { type Exchange, type Refusal } from '#kernel';
import { BodyPatience } from './body-patience.js';
import { endToEndTrailers } from './http1/response-head.js';
import { type BodyFraming, IN_CHUNKS, NO_BODY } from './request-head.js';
import { type Sending } from './target-pool.js';

/** Bodies up to this size are kept for another try. */
const KEPT = 65_536;

const NO_TRAILERS: readonly string[] = [];
const OURS =
  /^(?:x.(?:consumer.|forwarded.|aegis.|request.id$|real.ip$)|forwarded$|cookie$|traceparent$|tracestate$|via$)/i;

export interface BodyTerms {
  /** Bytes. */
  readonly limit: number;
  /** How long the client may let us wait for it, all in all, in milliseconds. */
  readonly time: number;
  /** Somebody will want it a second time. */
  readonly keep: boolean;
}

export interface BodyOwner {
  bodyTooLarge(): void;
  bodyTooSlow(): void;
  /** It is not the body that the client said it would send. */
  bodyRefused(refusal: Refusal): void;
  /** All of it was read. */
  bodyEnded(): void;
  /** All of it has gone to the target of this try. */
  bodySent(): void;
}

/** The client's body on its way to a target: as fast as the target takes it, and small ones a second time if need be. */
export class RequestBody {
  private connection: Sending | null = null;
  private patience: BodyPatience | undefined;
  private started = false;
  private stopped = false;
  private ended: boolean;
  private pieces: Buffer[] | null;
  /** The latest piece, which waits for the verdict on the body if nothing comes after it. */
  private held: Buffer | null = null;
  private keptBytes = 0;

  constructor(
    private readonly exchange: Exchange,
    private readonly framing: BodyFraming,
    private readonly terms: BodyTerms,
    private readonly owner: BodyOwner,
  ) {
    this.ended = framing === NO_BODY;
    this.pieces = terms.keep ? [] : null;
  }

  /** None of it is lost: it can be sent to another target. */
  get whole(): boolean {
    return !this.started || this.pieces !== null;
  }

  /** The client has not sent all of it yet. */
  get arriving(): boolean {
    return !this.ended;
  }

  /** All of it, if it has ended and was kept. */
  get complete(): readonly Buffer[] | null {
    return this.ended && (this.framing === NO_BODY || this.pieces !== null) ? (this.pieces ?? []) : null;
  }

  /** From here on it goes to this connection, from its beginning. */
  sendTo(connection: Sending): void {
    if (this.framing === NO_BODY) return;
    this.connection = connection;
    for (const piece of this.pieces ?? []) this.write(connection, piece);
    if (this.ended) this.finish(connection);
    else {
      connection.clientIsSlow();
      if (this.started) this.resume();
      else this.start();
    }
  }

  /** The try is over; what comes meanwhile waits. */
  detach(): void {
    this.connection = null;
    if (this.started && !this.ended) this.pause();
  }

  /** The target takes more. */
  drained(): void {
    if (!this.started || this.ended) return;
    this.connection?.clientIsSlow();
    this.resume();
  }

  /** Nobody wants the rest: the client may get rid of it. */
  stop(): void {
    this.stopped = true;
    this.connection = null;
    this.patience?.stop();
    if (this.started && !this.ended) this.exchange.req.resume();
  }

  private start(): void {
    const { req, res } = this.exchange;
    this.started = true;
    this.patience = new BodyPatience(this.terms.time, () => this.owner.bodyTooSlow());
    if (req.headers.expect !== undefined) res.writeContinue();
    req.on('data', (piece: Buffer) => this.arrived(piece));
    req.on('end', () => {
      this.patience?.stop();
      const refusal = this.exchange.bodyCheck?.end() ?? null;
      if (refusal !== null) {
        this.owner.bodyRefused(refusal);
        return;
      }
      if (this.held !== null) this.handOn(this.held);
      this.ended = true;
      if (this.connection !== null) this.finish(this.connection);
      this.owner.bodyEnded();
    });
  }

  private arrived(piece: Buffer): void {
    const { exchange, held } = this;
    exchange.bytesIn += piece.length;
    if (exchange.bytesIn > this.terms.limit) {
      this.pieces = null;
      if (!this.stopped) this.owner.bodyTooLarge();
      return;
    }
    if (exchange.bodyCheck === null) {
      this.handOn(piece);
      return;
    }
    exchange.bodyCheck.piece(piece);
    this.held = piece;
    if (held !== null) this.handOn(held);
  }

  private handOn(piece: Buffer): void {
    const { connection } = this;
    this.keep(piece);
    if (connection === null) return;
    if (this.write(connection, piece)) connection.clientIsSlow();
    else this.pause();
  }

  private keep(piece: Buffer): void {
    if (this.pieces === null) return;
    this.keptBytes += piece.length;
    if (this.keptBytes > KEPT) this.pieces = null;
    else this.pieces.push(piece);
  }

  private write(connection: Sending, piece: Buffer): boolean {
    return this.framing === IN_CHUNKS ? connection.writeChunk(piece) : connection.write(piece);
  }

  private finish(connection: Sending): void {
    const inChunks = this.framing === IN_CHUNKS;
    connection.end(inChunks, inChunks ? this.trailers() : NO_TRAILERS);
    this.owner.bodySent();
  }

  /** Without those by which a client could pretend to be Aegis: servers may take trailers for fields of the head. */
  private trailers(): readonly string[] {
    const { rawTrailers } = this.exchange.req;
    if (rawTrailers.length === 0) return NO_TRAILERS;
    return endToEndTrailers(rawTrailers).filter((_, i, all) => !OURS.test(all[i - (i % 2)] ?? ''));
  }

  private pause(): void {
    this.exchange.req.pause();
    this.patience?.pause();
  }

  private resume(): void {
    this.patience?.resume();
    this.exchange.req.resume();
  }
}
