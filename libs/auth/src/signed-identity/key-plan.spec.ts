import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type KeyAge, planKeys } from './key-plan.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const terms = { rotate: 30 * DAY, lifetime: MINUTE };

function key(kid: string, age: number, startsIn = -age, usable = true): KeyAge {
  return { kid, age, startsIn, usable };
}

describe('what is to be done about the keys', () => {
  it('is a first one that signs at once', () => {
    expect(planKeys([], terms)).toEqual({ startsIn: 0, gone: [] });
    expect(planKeys([key('of another secret', DAY, -DAY, false)], terms)).toEqual({ startsIn: 0, gone: [] });
  });

  it('is nothing while the last one is young', () => {
    expect(planKeys([key('a', 29 * DAY)], terms)).toEqual({ startsIn: null, gone: [] });
    expect(planKeys([key('a', 31 * DAY), key('b', 0, 10 * MINUTE)], terms)).toEqual({ startsIn: null, gone: [] });
  });

  it('is the next one when its time has come, published before it signs', () => {
    expect(planKeys([key('a', 30 * DAY)], terms)).toEqual({ startsIn: 10 * MINUTE, gone: [] });
  });

  it('is to forget the old one a day after its last token', () => {
    const after = (ms: number): readonly string[] => planKeys([key('a', 31 * DAY), key('b', ms)], terms).gone;
    expect(after(DAY)).toEqual([]);
    expect(after(DAY + MINUTE + 1)).toEqual(['a']);
  });

  it('is to leave what only others can read to them, until nobody would need it any more', () => {
    const others = (age: number): KeyAge[] => [key('theirs', age, -age, false), key('ours', 5 * DAY)];
    expect(planKeys(others(40 * DAY), terms).gone).toEqual([]);
    expect(planKeys(others(62 * DAY), terms).gone).toEqual(['theirs']);
  });

  it('never takes away the one that signs, nor one whose tokens live', () => {
    const some = fc.uniqueArray(fc.integer({ min: 0, max: 100 * DAY }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(some, (ages) => {
        const keys = ages.sort((a, b) => b - a).map((age) => key(String(age), age, 10 * MINUTE - age));
        const { gone } = planKeys(keys, terms);
        for (const [i, { kid }] of keys.entries()) {
          const next = keys[i + 1];
          if (next === undefined || next.startsIn > -terms.lifetime) expect(gone).not.toContain(kid);
        }
      }),
    );
  });
});
