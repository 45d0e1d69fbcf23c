import { describe, expect, it } from '@jest/globals';
import { ago, lasting } from './time-words.js';

describe('lasting', () => {
  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [90, '1 min 30 s'],
    [3_600, '1 h'],
    [7_500, '2 h 5 min'],
    [90_000, '1 d 1 h'],
    [86_400 * 400, '400 d'],
  ])('says %i seconds as a person would', (seconds, words) => {
    expect(lasting(seconds)).toBe(words);
  });
});

describe('ago', () => {
  const now = Date.UTC(2026, 0, 1);

  it('says how long ago something was, and nothing odd of a clock that is ahead', () => {
    expect(ago(new Date(now - 65_000).toISOString(), now)).toBe('1 min 5 s ago');
    expect(ago(new Date(now + 5_000).toISOString(), now)).toBe('just now');
  });
});
