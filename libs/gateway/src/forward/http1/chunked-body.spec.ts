import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ChunkedBody } from './chunked-body.js';

function readIn(
  wire: Buffer,
  cuts: readonly number[],
): { body: Buffer; used: number; done: boolean; trailers: string } {
  const chunked = new ChunkedBody();
  const pieces: Buffer[] = [];
  let used = 0;
  const edges = [...new Set(cuts.map((cut) => cut % (wire.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...edges, wire.length]) {
    const read = chunked.read(wire.subarray(from, to), (piece) => pieces.push(Buffer.from(piece)));
    if (read < 0) return { body: Buffer.concat(pieces), used: -1, done: false, trailers: '' };
    used += read;
    from = to;
  }
  return { body: Buffer.concat(pieces), used, done: chunked.done, trailers: chunked.trailerText };
}

const part = fc.record({
  data: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  extension: fc.constantFrom('', ';a=b', ' ; name="x"'),
  upper: fc.boolean(),
});

describe('ChunkedBody', () => {
  it('reads the same whatever way the wire is cut', () => {
    fc.assert(
      fc.property(fc.array(part), fc.array(fc.nat()), fc.constantFrom('', 'a: b\r\n'), (parts, cuts, trailer) => {
        const wire = Buffer.concat([
          ...parts.flatMap(({ data, extension, upper }) => {
            const size = data.length.toString(16);
            return [
              Buffer.from(`${upper ? size.toUpperCase() : size}${extension}\r\n`),
              Buffer.from(data),
              Buffer.from('\r\n'),
            ];
          }),
          Buffer.from(`0\r\n${trailer}\r\n`),
        ]);
        const body = Buffer.concat(parts.map(({ data }) => Buffer.from(data)));
        expect(readIn(wire, cuts)).toEqual({ body, used: wire.length, done: true, trailers: `\r\n${trailer}\r\n` });
      }),
    );
  });

  it('leaves what comes after the end alone', () => {
    expect(readIn(Buffer.from('1\r\na\r\n0\r\n\r\nHTTP/1.1'), []).used).toBe(11);
  });

  it.each([
    '\r\n',
    'g\r\n',
    '-1\r\n',
    '0x1\r\na\r\n',
    '1\na\r\n',
    '1\r\nab\r\n',
    '1\r\na\n',
    '1;x\ny\r\na\r\n',
    '1\r\na\rX',
    'ffffffffffffff\r\n',
    `1;${'x'.repeat(5000)}`,
    `0\r\n${'x'.repeat(20_000)}`,
  ])('refuses %j', (wire) => {
    expect(readIn(Buffer.from(wire), []).used).toBe(-1);
    expect(
      readIn(
        Buffer.from(wire),
        Array.from({ length: Math.min(50, wire.length) }, (_, i) => i),
      ).used,
    ).toBe(-1);
  });
});
