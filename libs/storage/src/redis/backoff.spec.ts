import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { reconnectDelay } from './backoff.js';

describe('the wait before Redis is tried again', () => {
  it('starts short and never exceeds a second, however often it failed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const delay = reconnectDelay(attempt, () => random);
        return delay >= 25 && delay <= 1_000;
      }),
    );
  });

  it('grows from try to try until it is longest', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7].map((attempt) => reconnectDelay(attempt, () => 1));
    expect(delays).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
  });

  it('differs from one instance to another', () => {
    expect(reconnectDelay(6, () => 0)).toBe(500);
    expect(reconnectDelay(6, () => 1)).toBe(1_000);
  });
});
