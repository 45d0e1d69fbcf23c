import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ActiveHealth, isExpected, untilFirstCheck, untilNextCheck } from './active-health.js';

describe('ActiveHealth', () => {
  it('changes only after so many checks in a row, and says when', () => {
    const seen: string[] = [];
    const health = new ActiveHealth({ healthy: 2, unhealthy: 3 }, (well, now) => seen.push(`${well} ${now}`));
    expect([health.healthy, health.lastCheck, health.changedAt]).toEqual([true, null, -Infinity]);
    [false, false, true, false, false, false].forEach((good, at) => health.checked(good, at));
    expect([health.healthy, health.changedAt]).toEqual([false, 5]);
    [true, false, true, true, true].forEach((good, at) => health.checked(good, 10 + at));
    expect([health.healthy, health.changedAt]).toEqual([true, 13]);
    expect(health.lastCheck).toEqual({ at: 14, good: true });
    expect(seen).toEqual(['false 5', 'true 13']);
  });

  it('is what the last run of enough equal checks says', () => {
    const threshold = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 60, size: 'max' }),
        threshold,
        threshold,
        (checks, healthy, unhealthy) => {
          const health = new ActiveHealth({ healthy, unhealthy });
          let expected = true;
          checks.forEach((good, at) => {
            health.checked(good, at);
            const runs = (value: boolean, length: number): boolean =>
              at + 1 >= length && checks.slice(at + 1 - length, at + 1).every((one) => one === value);
            if (expected && runs(false, unhealthy)) expected = false;
            else if (!expected && runs(true, healthy)) expected = true;
            expect(health.healthy).toBe(expected);
          });
        },
      ),
    );
  });

  it('knows which statuses are good', () => {
    const ranges = [
      { from: 200, to: 204 },
      { from: 401, to: 401 },
    ];
    expect([199, 200, 204, 205, 400, 401, 402].map((status) => isExpected(status, ranges))).toEqual([
      false,
      true,
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  it('spreads checks by a tenth, and first checks over at most a second', () => {
    expect([0, 0.5, 1].map((random) => untilNextCheck(5000, random))).toEqual([4500, 5000, 5500]);
    expect([0, 0.5].map((random) => untilFirstCheck(5000, random))).toEqual([0, 500]);
    expect(untilFirstCheck(100, 0.5)).toBe(50);
  });
});
