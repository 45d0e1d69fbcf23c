import { describe, expect, it } from '@jest/globals';
import { type LimitUse } from '#kernel';
import { LimitUsage } from './limit-usage.js';

const HALF_HOUR = 1_800_000;

function useOf(rule: string, key: string, allowed: boolean, shadow = false): { limits: LimitUse[] } {
  return { limits: [{ rule: { name: rule, shadow }, key, allowed, limit: 10, remaining: 0 }] };
}

function counting(): { usage: LimitUsage; pass: (ms: number) => void } {
  let now = 0;
  return { usage: new LimitUsage(() => now), pass: (ms) => (now += ms) };
}

describe('the usage of the limits', () => {
  it('counts what each rule said', () => {
    const { usage } = counting();
    const records = [
      useOf('a', 'ip=1', true),
      useOf('a', 'ip=1', false),
      useOf('b', 'ip=1', false, true),
      { limits: [] },
      useOf('not read', 'ip=1', true),
    ];
    usage.read(records, 4);
    expect(Object.fromEntries(usage.rules)).toEqual({
      a: { shadow: false, checked: 2, allowed: 1, rejected: 1, shadowRejected: 0 },
      b: { shadow: true, checked: 1, allowed: 0, rejected: 0, shadowRejected: 1 },
    });
  });

  it('knows who is refused most, and forgets it after an hour', () => {
    const { usage, pass } = counting();
    const refuse = (key: string, times: number): void => {
      usage.read(Array<{ limits: LimitUse[] }>(times).fill(useOf('a', key, false)), times);
    };
    refuse('ip=1', 2);
    refuse('ip=2', 3);
    expect(usage.top(1)).toEqual({
      since: 0,
      keys: [{ key: 'ip=2', rule: 'a', shadow: false, refused: 3, error: 0 }],
    });
    pass(HALF_HOUR);
    refuse('ip=1', 2);
    expect(usage.top(5).keys.map(({ key, refused }) => [key, refused])).toEqual([
      ['ip=1', 4],
      ['ip=2', 3],
    ]);
    pass(HALF_HOUR);
    expect(usage.top(5).keys.map(({ key, refused }) => [key, refused])).toEqual([['ip=1', 2]]);
    pass(2 * HALF_HOUR);
    expect(usage.top(5).keys).toEqual([]);
  });

  it('is right about the heavy ones under a flood of others', () => {
    const { usage } = counting();
    for (let index = 0; index < 20_000; index++) {
      const key = index % 10 === 0 ? 'ip=heavy' : `ip=${index}`;
      usage.read([useOf('a', key, false)], 1);
    }
    const [first] = usage.top(1).keys;
    expect(first?.key).toBe('ip=heavy');
    expect(first!.refused - first!.error).toBeLessThanOrEqual(2000);
    expect(first!.refused).toBeGreaterThanOrEqual(2000);
  });
});
