import { type BrotliCompress, constants, createBrotliCompress, createGzip, type Gzip } from 'node:zlib';
import { type Coding } from './accept-encoding.js';

/** Where an encoded body goes, and what its source should hear. */
export interface EncodedBody {
  data(piece: Buffer): void;
  /** `write` said false; more is welcome now. */
  drained(): void;
  end(): void;
  failed(error: Error): void;
}

const HIGH_WATER = 65_536;

/**
 * Compresses a body on its way from an upstream to a client. What is written comes out without waiting for more: a page
 * that is sent in parts is shown in parts. While one piece is compressed (on Node's thread pool) those that arrive are
 * gathered and go together as the next, so that a busy stream of small pieces is not compressed one by one.
 *
 * A client that is slow is passed on: `pause` stops the output, the encoder stops taking pieces, `write` says false.
 * After `destroy` nothing more is heard of it.
 */
export class BodyEncoder {
  private readonly stream: Gzip | BrotliCompress;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private scheduled = false;
  private busy = false;
  private full = false;
  private ended = false;
  private destroyed = false;

  /** `length`: of the body as it arrives, when that is known. */
  constructor(
    coding: Coding,
    length: number | undefined,
    private readonly sink: EncodedBody,
  ) {
    this.stream = coding === 'br' ? brotli(length) : gzip(length);
    this.stream.on('data', (piece: Buffer) => {
      if (!this.destroyed) this.sink.data(piece);
    });
    this.stream.on('end', () => {
      if (!this.destroyed) this.sink.end();
    });
    this.stream.on('error', (error) => {
      if (this.destroyed) return;
      this.destroy();
      this.sink.failed(error);
    });
  }

  /** False: enough for now, until `drained`. */
  write(piece: Buffer): boolean {
    if (piece.length > 0) {
      this.waiting.push(piece);
      this.waitingBytes += piece.length;
      this.schedule();
    }
    this.full = this.waitingBytes >= HIGH_WATER;
    return !this.full;
  }

  end(): void {
    this.ended = true;
    this.schedule();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  destroy(): void {
    this.destroyed = true;
    this.waiting = [];
    this.stream.destroy();
  }

  /** On the next tick, because the end of a body often follows its last piece at once, and then they go together. */
  private schedule(): void {
    if (this.scheduled || this.busy) return;
    this.scheduled = true;
    process.nextTick(() => {
      this.scheduled = false;
      this.compress();
    });
  }

  private compress(): void {
    if (this.destroyed || this.busy) return;
    const [first] = this.waiting;
    if (first === undefined) {
      if (!this.ended) return;
      this.busy = true;
      this.stream.end();
      return;
    }
    const piece = this.waiting.length === 1 ? first : Buffer.concat(this.waiting, this.waitingBytes);
    this.waiting = [];
    this.waitingBytes = 0;
    this.busy = true;
    if (this.ended) this.stream.end(piece);
    else this.stream.write(piece, () => this.compressed());
    if (!this.full) return;
    this.full = false;
    this.sink.drained();
  }

  private compressed(): void {
    this.busy = false;
    this.compress();
  }
}

/**
 * Levels: on JSON and scripts brotli 3 takes the time of gzip 4 and makes the body smaller by a few per cent; what lies
 * above costs far more than it saves for a body that is compressed once. Windows are no larger than the body, which spares
 * memory and the time to clear it, and brotli's at most 256 kB, so that a long stream holds no more than a gzip one.
 */
function gzip(length: number | undefined): Gzip {
  const windowBits = length === undefined ? 15 : Math.min(15, Math.max(9, Math.ceil(Math.log2(length + 1))));
  return createGzip({ level: 4, windowBits, memLevel: windowBits - 7, flush: constants.Z_SYNC_FLUSH });
}

function brotli(length: number | undefined): BrotliCompress {
  return createBrotliCompress({
    flush: constants.BROTLI_OPERATION_FLUSH,
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 3,
      [constants.BROTLI_PARAM_LGWIN]: 18,
      ...(length !== undefined && { [constants.BROTLI_PARAM_SIZE_HINT]: Math.min(length, 2 ** 30) }),
    },
  });
}
