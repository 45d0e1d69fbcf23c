import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RollingCount } from './rolling-count.js';

describe('RollingCount', () => {
  it('agrees with counting every time by itself', () => {
    const short = fc.nat(150);
    const long = fc.nat(2500);
    const waits = fc.array(fc.oneof({ weight: 9, arbitrary: short }, { weight: 1, arbitrary: long }), {
      maxLength: 100,
      size: 'max',
    });
    fc.assert(
      fc.property(waits, fc.integer({ min: 1, max: 20 }), (list, buckets) => {
        const count = new RollingCount(1000, buckets);
        const width = 1000 / buckets;
        const times: number[] = [];
        let now = 0;
        let wrong = 0;
        for (const wait of list) {
          now += wait;
          const bucket = Math.floor(now / width);
          const expected = times.filter((time) => Math.floor(time / width) > bucket - buckets).length;
          if (count.sum(now) !== expected) wrong++;
          times.push(now);
          count.add(now);
        }
        expect(wrong).toBe(0);
      }),
    );
  });

  it('takes time that runs backwards for time that stands still', () => {
    const count = new RollingCount(1000, 10);
    count.add(5000);
    count.add(100);
    expect(count.sum(5000)).toBe(2);
  });

  it('can be cleared', () => {
    const count = new RollingCount(1000, 10);
    count.add(0);
    count.clear();
    count.add(0);
    expect(count.sum(0)).toBe(1);
  });
});
