import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Addresses } from './addresses.js';
import { type Target } from './target.js';
import { type Upstream } from './upstream.js';

describe('Addresses', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('keeps the addresses of a name that cannot be looked up any more, and says so once, and when it can again', async () => {
    jest.useFakeTimers();
    let answer: readonly string[] | null = ['10.0.0.1', '10.0.0.2'];
    const news: string[] = [];
    let targets: readonly Target[] = [];
    const upstream = { setTargets: (now: readonly Target[]) => (targets = now) } as unknown as Upstream;
    const one = {
      host: 'users.svc',
      resolve: 1000,
      make: (address: string) => ({ name: address }) as Target,
      news: (text: string) => news.push(text),
    };
    const addresses = new Addresses(
      upstream,
      [one],
      () => undefined,
      () => (answer === null ? Promise.reject(new Error('EAI_AGAIN')) : Promise.resolve(answer)),
    );
    const names = (): string[] => targets.map(({ name }) => name);
    await jest.advanceTimersByTimeAsync(10);
    expect(names()).toEqual(['10.0.0.1', '10.0.0.2']);
    answer = null;
    await jest.advanceTimersByTimeAsync(5000);
    expect(names()).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(news).toEqual(['users.svc cannot be looked up (Error: EAI_AGAIN); the addresses that are known go on']);
    answer = ['10.0.0.2'];
    await jest.advanceTimersByTimeAsync(5000);
    expect(names()).toEqual(['10.0.0.2']);
    expect(news.slice(1)).toEqual(['users.svc can be looked up again']);
    addresses.close();
  });
});
