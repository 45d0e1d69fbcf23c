import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EvenSequence, GOLDEN_STEP, SILVER_STEP } from './even-sequence.js';
import { compileMirror } from './mirror.js';
import { WeightedSplit } from './weighted-split.js';

const weights = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 8 });
const start = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('a weighted split', () => {
  it('keeps every share within 2% over 10,000 requests, and ten times closer than that', () => {
    fc.assert(
      fc.property(weights, start, (list, from) => {
        const total = list.reduce((sum, weight) => sum + weight, 0);
        fc.pre(total > 0);
        const shares = list.map((weight, id) => ({ id, weight }));
        const split = new WeightedSplit(shares, new EvenSequence(GOLDEN_STEP, from));
        const counts = list.map(() => 0);
        for (let i = 0; i < 10_000; i++) counts[split.next()!.id]!++;
        for (const [id, count] of counts.entries())
          expect(Math.abs(count / 10_000 - list[id]! / total)).toBeLessThan(0.002);
      }),
      { numRuns: 40 },
    );
  });

  it('sends nothing to a share of weight 0, and nothing anywhere when all are 0', () => {
    const [a, b] = [{ weight: 0 }, { weight: 5 }];
    const split = new WeightedSplit([a, b]);
    for (let i = 0; i < 100; i++) expect(split.next()).toBe(b);
    expect(new WeightedSplit([a]).next()).toBeUndefined();
    expect(new WeightedSplit<{ weight: number }>([]).next()).toBeUndefined();
  });

  it('keeps no step with traffic that alternates', () => {
    const split = new WeightedSplit([
      { name: 'a', weight: 1 },
      { name: 'b', weight: 1 },
    ]);
    let posts = 0;
    for (let i = 0; i < 10_000; i++) if (split.next()?.name === 'a' && i % 2 === 0) posts++;
    expect(Math.abs(posts / 10_000 - 0.25)).toBeLessThan(0.01);
  });
});

describe('a mirror', () => {
  it('takes its share of the requests', () => {
    expect(compileMirror(null)).toBeNull();
    expect(compileMirror({ upstream: 'shadow', percent: 0 })).toBeNull();
    const all = compileMirror({ upstream: 'shadow', percent: 1 });
    expect([all?.upstream, all?.takes(), all?.takes()]).toEqual(['shadow', true, true]);
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 1, noNaN: true }), start, (percent, from) => {
        const mirror = compileMirror({ upstream: 'shadow', percent }, new EvenSequence(SILVER_STEP, from));
        let taken = 0;
        for (let i = 0; i < 10_000; i++) if (mirror?.takes() === true) taken++;
        expect(Math.abs(taken / 10_000 - percent)).toBeLessThan(0.002);
      }),
      { numRuns: 40 },
    );
  });

  it('copies from every share of a split alike', () => {
    const split = new WeightedSplit([
      { name: 'a', weight: 9 },
      { name: 'b', weight: 1 },
    ]);
    const mirror = compileMirror({ upstream: 'shadow', percent: 0.1 });
    const copied = { a: 0, b: 0 };
    for (let i = 0; i < 10_000; i++) {
      const name = split.next()!.name as 'a' | 'b';
      if (mirror?.takes() === true) copied[name]++;
    }
    expect(Math.abs(copied.a / 10_000 - 0.09)).toBeLessThan(0.01);
    expect(Math.abs(copied.b / 10_000 - 0.01)).toBeLessThan(0.005);
  });
});
