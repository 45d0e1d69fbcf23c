import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SpaceSaving } from './space-saving.js';

describe('the sketch of the most frequent keys', () => {
  it('has every key above its share, and is wrong by no more than it says', () => {
    const stream = fc.array(fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 500 })), { minLength: 1, maxLength: 600 });
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 40 }), (keys, room) => {
        const sketch = new SpaceSaving<number>(room);
        const truth = new Map<number, number>();
        for (const key of keys) {
          sketch.add(String(key), key, 1);
          truth.set(key, (truth.get(key) ?? 0) + 1);
        }
        const found = sketch.top(room);
        expect(found.length).toBe(Math.min(room, truth.size));
        for (const { value, count, error } of found) {
          const actual = truth.get(value) ?? 0;
          expect(count).toBeGreaterThanOrEqual(actual);
          expect(count - error).toBeLessThanOrEqual(actual);
          expect(error).toBeLessThanOrEqual(keys.length / room);
        }
        const there = new Set(found.map(({ value }) => value));
        for (const [key, count] of truth) if (count > keys.length / room) expect(there.has(key)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is exact while there is room', () => {
    const sketch = new SpaceSaving<string>(3);
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) sketch.add(key, key, 1);
    expect(sketch.top(2)).toEqual([
      { value: 'a', count: 3, error: 0 },
      { value: 'b', count: 2, error: 0 },
    ]);
  });
});
