import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ALL, Frames, GOODBYE, MESSAGE } from './frames.js';

interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly size: number;
  readonly masked: boolean;
}

function wireOf({ fin, opcode, size, masked }: Frame): Buffer {
  const head = [(fin ? 0x80 : 0) | opcode];
  const mask = masked ? 0x80 : 0;
  if (size < 126) head.push(mask | size);
  else if (size < 65_536) head.push(mask | 126, size >> 8, size & 255);
  else head.push(mask | 127, 0, 0, 0, 0, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255);
  // A payload that looks like close frames, with any key.
  return Buffer.concat([Buffer.from(head), Buffer.alloc(size + (masked ? 4 : 0), 0x88)]);
}

const sizes = fc.oneof(fc.nat(140), fc.constantFrom(125, 126, 127, 65_535, 65_536));
const control = fc.record({
  fin: fc.constant(true),
  opcode: fc.constantFrom(9, 10),
  size: fc.nat(125),
  masked: fc.boolean(),
});
/** A message in one or more frames, with pings and pongs between them. */
const message = fc
  .array(fc.tuple(sizes, fc.array(control, { maxLength: 2 })), { minLength: 1, maxLength: 4 })
  .chain((parts) =>
    fc.boolean().map((masked): Frame[] =>
      parts.flatMap(([size, between], at) => {
        const fin = at === parts.length - 1;
        return [{ fin, opcode: at === 0 ? 2 : 0, size, masked }, ...(fin ? [] : between)];
      }),
    ),
  );
const messages = fc.array(message, { minLength: 1, maxLength: 5 });

function wire(all: readonly (readonly Frame[])[]): { bytes: Buffer; edges: number[] } {
  const pieces = all.map((frames) => Buffer.concat(frames.map(wireOf)));
  const edges = [0];
  for (const piece of pieces) edges.push((edges.at(-1) ?? 0) + piece.length);
  return { bytes: Buffer.concat(pieces), edges };
}

function inPieces(frames: Frames, bytes: Buffer, cuts: readonly number[]): void {
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    expect(frames.read(bytes.subarray(from, to), ALL)).toBe(to - from);
    from = to;
  }
}

describe('the frames of a WebSocket', () => {
  it('are followed to where the message under way ends, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.nat()), fc.nat(), (all, cuts, somewhere) => {
        const { bytes, edges } = wire(all);
        const at = somewhere % (bytes.length + 1);
        const frames = new Frames();
        inPieces(frames, bytes.subarray(0, at), cuts);
        const next = edges.find((edge) => edge >= at) ?? bytes.length;
        expect(frames.between).toBe(edges.includes(at) || at === next);
        expect(frames.read(bytes.subarray(at), MESSAGE)).toBe(next - at);
        expect(frames.between).toBe(true);
        expect(frames.over).toBe(false);
      }),
    );
  });

  it('are followed to the frame that says goodbye, and payloads that look like one are none', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.nat()), (all, cuts) => {
        const { bytes } = wire(all);
        const frames = new Frames();
        inPieces(frames, bytes, cuts);
        const close = wireOf({ fin: true, opcode: 8, size: 2, masked: true });
        expect(frames.read(Buffer.concat([bytes, close]), GOODBYE)).toBe(bytes.length);
        expect(frames.over).toBe(false);
        frames.read(close, ALL);
        expect(frames.over).toBe(true);
      }),
    );
  });

  it('may be nonsense: they are read to the end all the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (nonsense) => {
        expect(new Frames().read(Buffer.from(nonsense), ALL)).toBe(nonsense.length);
      }),
    );
  });
});
