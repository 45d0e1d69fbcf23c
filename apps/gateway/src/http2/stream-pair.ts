import { Duplex } from 'node:stream';

/** One end of a connection in memory: what is written to one is read from the other, at the reader's pace. */
class End extends Duplex {
  other: End | null = null;
  private taken: (() => void) | null = null;

  override _read(): void {
    const { taken } = this;
    this.taken = null;
    taken?.();
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const { other } = this;
    if (other === null || other.push(piece)) done();
    else other.taken = done;
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.other?.destroy();
    done(error);
  }

  /** Nothing on the way of a socket's timers is slow here. */
  setTimeout(): this {
    return this;
  }
}

export function streamPair(traits: object): [Duplex, Duplex] {
  const near = new End();
  const far = new End();
  near.other = far;
  far.other = near;
  Object.assign(far, traits);
  return [near, far];
}
