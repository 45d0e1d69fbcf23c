import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RollingCount } from './rolling-count.js';

describe('RollingCount', () => {
  it('agrees with counting every time by itself', () => {
    const short = fc.double({ min: 0, max: 150, noNaN: true });
    const long = fc.double({ min: 0, max: 2500, noNaN: true });
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
        for (const wait of list) {
          now += wait;
          const bucket = Math.floor(now / width);
          expect(count.sum(now)).toBe(times.filter((time) => Math.floor(time / width) > bucket - buckets).length);
          times.push(now);
          count.add(now);
        }
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
