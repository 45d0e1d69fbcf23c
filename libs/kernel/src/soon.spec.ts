import { describe, expect, it } from '@jest/globals';
import { soon } from './soon.js';

const after = (ms: number): Promise<string> => new Promise((resolve) => setTimeout(resolve, ms, 'answered'));
const late = (): Error => new Error('late');

describe('an answer that should come soon', () => {
  it('is given when it comes, or fails as it fails', async () => {
    expect(await soon(after(1), 60_000, late)).toBe('answered');
    await expect(soon(Promise.reject(new Error('broken')), 60_000, late)).rejects.toThrow('broken');
  });

  it('is late after its time, and not before', async () => {
    const began = performance.now();
    await expect(soon(new Promise(() => undefined), 100, late)).rejects.toThrow('late');
    expect(performance.now() - began).toBeGreaterThanOrEqual(99);
  });

  it('is not late because we stood still for longer than that', async () => {
    const answer = after(10).then(async () => await after(50));
    const waited = soon(answer, 1000, late);
    setImmediate(() => {
      const end = performance.now() + 1500;
      while (performance.now() < end);
    });
    expect(await waited).toBe('answered');
  });
});
