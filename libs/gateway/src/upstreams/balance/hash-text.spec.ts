import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hashText, mix } from './hash-text.js';

describe('hashText', () => {
  it('keeps its values: instances have to agree', () => {
    expect(['', 'a', 'ab', 'abc', 'user-42', 'ключ'].map((text) => hashText(text))).toMatchInlineSnapshot(`
      [
        0,
        1009084850,
        3780547604,
        1968171120,
        1703080332,
        1322036270,
      ]
    `);
    expect(hashText('user-42', 1)).not.toBe(hashText('user-42'));
  });

  it('is an unsigned 32-bit integer for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, seed) => {
        const hash = hashText(text, seed);
        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
      }),
    );
  });

  it('changes about half of its bits when one character changes', () => {
    let bits = 0;
    const texts = 2000;
    for (let i = 0; i < texts; i++) {
      let difference = hashText(`10.1.2.${i}`) ^ hashText(`10.1.3.${i}`);
      for (; difference !== 0; difference &= difference - 1) bits++;
    }
    expect(bits / texts).toBeGreaterThan(15);
    expect(bits / texts).toBeLessThan(17);
  });

  it('fills a thousand buckets evenly with addresses in a row', () => {
    const buckets = new Uint32Array(1000);
    const texts = 50_000;
    for (let i = 0; i < texts; i++) buckets[hashText(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`) % 1000]!++;
    const expected = texts / 1000;
    const chiSquare = buckets.reduce((sum, its) => sum + (its - expected) ** 2 / expected, 0);
    // 999 degrees of freedom: the mean is 999, and six standard deviations are 268.
    expect(chiSquare).toBeLessThan(999 + 268);
  });

  it('tells almost all of 50,000 texts apart', () => {
    const seen = new Set(Array.from({ length: 50_000 }, (_, i) => hashText(`session-${i}`)));
    // By chance alone, a third of one collides.
    expect(seen.size).toBeGreaterThan(49_995);
  });

  it('mixes without collisions', () => {
    const inputs = Array.from({ length: 20_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 0);
    expect(new Set(inputs.map(mix)).size).toBe(inputs.length);
  });
});
