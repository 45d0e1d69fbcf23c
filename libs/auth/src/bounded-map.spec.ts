import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BoundedMap } from './bounded-map.js';

describe('BoundedMap', () => {
  it('never holds more than it may, and always what came last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.integer({ min: 0, max: 9 })), (most, keys) => {
        const map = new BoundedMap<number, number>(most);
        keys.forEach((key, at) => {
          map.set(key, at);
          expect(map.size).toBeLessThanOrEqual(most);
          expect(map.get(key)).toBe(at);
        });
      }),
    );
  });

  it('forgets what came first, and nothing when a key gets another value', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1).set('b', 2).set('a', 3);
    expect([...map]).toEqual([
      ['a', 3],
      ['b', 2],
    ]);
    map.set('c', 4);
    expect([...map.keys()]).toEqual(['b', 'c']);
  });
});
