import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { TurnsByKey } from './turns.js';

describe('turns', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('let so many at a time work for a key, in the order in which they came, and others not wait for them', async () => {
    const turns = new TurnsByKey(2);
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const one = (key: string, name: string): Promise<string> =>
      turns.run(key, async () => {
        begun.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
        return name;
      });
    const all = ['a', 'b', 'c', 'd'].map((name) => one('k', name));
    const other = one('l', 'x');
    expect([begun, turns.isBusy('k'), turns.isBusy('l')]).toEqual([['a', 'b', 'x'], true, false]);
    while (ends.length > 0) {
      ends.shift()?.();
      await jest.advanceTimersByTimeAsync(0);
    }
    expect(begun).toEqual(['a', 'b', 'x', 'c', 'd']);
    expect(await Promise.all([...all, other])).toEqual(['a', 'b', 'c', 'd', 'x']);
    expect(turns.none).toBe(true);
  });

  it('go on after what has failed, and after two seconds of what hangs', async () => {
    const turns = new TurnsByKey(1);
    await expect(turns.run('k', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(turns.none).toBe(true);
    let end: () => void = () => undefined;
    const hanging = turns.run('k', () => new Promise<void>((resolve) => (end = resolve)));
    const next = turns.run('k', () => 'next');
    await jest.advanceTimersByTimeAsync(1_999);
    expect(turns.isBusy('k')).toBe(true);
    await jest.advanceTimersByTimeAsync(1);
    expect(await next).toBe('next');
    end();
    await hanging;
    expect(turns.none).toBe(true);
  });
});
