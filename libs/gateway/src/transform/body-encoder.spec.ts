import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { brotliDecompressSync, createBrotliDecompress, createGunzip, gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Coding } from './accept-encoding.js';
import { BodyEncoder, type EncodedBody } from './body-encoder.js';

class Gathered implements EncodedBody {
  readonly pieces: Buffer[] = [];
  drains = 0;
  private finish: () => void = () => undefined;
  private fail: (error: Error) => void = () => undefined;
  readonly ended = new Promise<Buffer>((resolve, reject) => {
    this.finish = () => resolve(Buffer.concat(this.pieces));
    this.fail = reject;
  });
  onDrained: () => void = () => undefined;

  data(piece: Buffer): void {
    this.pieces.push(piece);
  }
  drained(): void {
    this.drains++;
    this.onDrained();
  }
  end(): void {
    this.finish();
  }
  failed(error: Error): void {
    this.fail(error);
  }
}

const CODINGS: readonly Coding[] = ['gzip', 'br'];
const decode = (coding: Coding, bytes: Buffer): Buffer =>
  coding === 'gzip' ? gunzipSync(bytes) : brotliDecompressSync(bytes);

describe.each(CODINGS)('a body through %s', (coding) => {
  it('comes out as it went in, however it was cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5000 })), fc.boolean(), async (parts, known) => {
        const whole = Buffer.concat(parts);
        const sink = new Gathered();
        const encoder = new BodyEncoder(coding, known ? whole.length : undefined, sink);
        for (const [i, part] of parts.entries()) {
          encoder.write(Buffer.from(part));
          if (i % 3 === 2) await new Promise(setImmediate);
        }
        encoder.end();
        expect(decode(coding, await sink.ended)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('lets every piece through before the next one comes', async () => {
    const decoder = coding === 'gzip' ? createGunzip() : createBrotliDecompress();
    const encoder = new BodyEncoder(coding, undefined, {
      data: (piece) => void decoder.write(piece),
      drained: () => undefined,
      end: () => decoder.end(),
      failed: (error) => decoder.destroy(error),
    });
    for (const text of ['first', 'second', 'x'.repeat(40_000)]) {
      encoder.write(Buffer.from(text));
      let seen = '';
      while (seen.length < text.length) seen += String((await once(decoder, 'data'))[0]);
      expect(seen).toBe(text);
    }
    encoder.end();
    decoder.resume();
    await once(decoder, 'end');
  });

  it('compresses pieces that arrive together as one', async () => {
    const sink = new Gathered();
    const encoder = new BodyEncoder(coding, undefined, sink);
    for (let i = 0; i < 1000; i++) encoder.write(Buffer.from('{"a":1}'));
    encoder.end();
    expect((await sink.ended).length).toBeLessThan(200);
  });

  it('holds its source back while the client is slow, and asks for more when it is not', async () => {
    const sink = new Gathered();
    const encoder = new BodyEncoder(coding, undefined, sink);
    encoder.pause();
    const parts: Buffer[] = [];
    const send = (): boolean => {
      const part = randomBytes(16_384);
      parts.push(part);
      return encoder.write(part);
    };
    let refused = false;
    for (let i = 0; i < 100 && !refused; i++) {
      refused = !send();
      await new Promise(setImmediate);
    }
    expect(refused).toBe(true);
    expect(parts.length).toBeLessThan(30);
    const before = sink.drains;
    const drained = new Promise<void>((resolve) => (sink.onDrained = resolve));
    encoder.resume();
    await drained;
    expect(sink.drains).toBe(before + 1);
    encoder.end();
    expect(decode(coding, await sink.ended).equals(Buffer.concat(parts))).toBe(true);
  });

  it('says nothing more once it is destroyed, also in the middle of its work', async () => {
    const heard: string[] = [];
    const encoder = new BodyEncoder(coding, undefined, {
      data: () => void heard.push('data'),
      drained: () => void heard.push('drained'),
      end: () => void heard.push('end'),
      failed: () => void heard.push('failed'),
    });
    encoder.write(randomBytes(60_000));
    await new Promise((resolve) => process.nextTick(resolve));
    encoder.write(randomBytes(10));
    encoder.destroy();
    encoder.write(randomBytes(10));
    encoder.end();
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    expect(heard).toEqual([]);
  });

  it('makes of no body a body of no bytes', async () => {
    const sink = new Gathered();
    const encoder = new BodyEncoder(coding, undefined, sink);
    encoder.end();
    expect(decode(coding, await sink.ended)).toHaveLength(0);
  });
});
