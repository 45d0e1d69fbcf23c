import { describe, expect, it } from '@jest/globals';
import { Turnstile } from './turnstile.js';

/** Work that ends when it is told to. */
class Works {
  started = 0;
  private readonly ends: (() => void)[] = [];

  readonly one = (): Promise<string> => {
    this.started++;
    return new Promise((resolve) => this.ends.push(() => resolve('done')));
  };

  async end(): Promise<void> {
    this.ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function turnstile(each = 10): Turnstile {
  return new Turnstile({ atOnce: 2, waiting: 3, each, full: 'full' });
}

describe('a turnstile', () => {
  it('lets so many work at once, the others in their order, and turns away who comes when it is full', async () => {
    const works = new Works();
    const gate = turnstile();
    const runs = [1, 2, 3, 4, 5].map((number) => gate.run(`192.0.2.${number}`, works.one));
    expect(works.started).toBe(2);
    await expect(gate.run('192.0.2.6', works.one)).rejects.toMatchObject({ code: 'overloaded', detail: 'full' });
    await works.end();
    expect(works.started).toBe(3);
    const late = gate.run('192.0.2.7', works.one);
    for (let i = 0; i < 5; i++) await works.end();
    expect(await Promise.all([...runs, late])).toEqual(Array(6).fill('done'));
    expect(works.started).toBe(6);
  });

  it('gives one address its share only, and again when that is done', async () => {
    const works = new Works();
    const gate = turnstile(1);
    const first = gate.run('192.0.2.1', works.one);
    await expect(gate.run('192.0.2.1', works.one)).rejects.toMatchObject({ code: 'overloaded' });
    const other = gate.run('192.0.2.2', works.one);
    await works.end();
    await works.end();
    await Promise.all([first, other]);
    const again = gate.run('192.0.2.1', works.one);
    await works.end();
    expect(await again).toBe('done');
  });

  it('goes on after work that fails', async () => {
    const gate = turnstile();
    const fail = (): Promise<never> => Promise.reject(new Error('no'));
    const runs = [1, 2, 3, 4].map(() => gate.run('192.0.2.1', fail));
    for (const run of runs) await expect(run).rejects.toThrow('no');
    expect(await gate.run('192.0.2.1', () => Promise.resolve('fine'))).toBe('fine');
  });
});
