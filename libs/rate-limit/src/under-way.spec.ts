import { describe, expect, it } from '@jest/globals';
import { UnderWay } from './under-way.js';

describe('what is under way', () => {
  it('is waited for as it is when somebody asks, for its key alone, and forgotten when it has ended', async () => {
    const underWay = new UnderWay();
    const ends: (() => void)[] = [];
    const begin = (key: string): Promise<void> => underWay.follow(key, new Promise((resolve) => ends.push(resolve)));
    expect([underWay.none, underWay.ended('k')]).toEqual([true, null]);
    void begin('k');
    void begin('k');
    const ended: string[] = [];
    const waiting = underWay.ended('k')?.then(() => ended.push('k'));
    const later = begin('k');
    expect([underWay.none, underWay.ended('l')]).toEqual([false, null]);
    ends[0]?.();
    await Promise.resolve();
    expect(ended).toEqual([]);
    ends[1]?.();
    await waiting;
    expect(ended).toEqual(['k']);
    expect(underWay.none).toBe(false);
    ends[2]?.();
    await later;
    expect(underWay.none).toBe(true);
  });

  it('may fail: whoever began it is told, who waits goes on', async () => {
    const underWay = new UnderWay();
    const failing = underWay.follow('k', Promise.reject(new Error('failed')));
    const waiting = underWay.ended('k');
    await expect(failing).rejects.toThrow('failed');
    await waiting;
    expect(underWay.none).toBe(true);
  });
});
