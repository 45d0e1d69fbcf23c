import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AdaptiveLimit } from './adaptive-limit.js';
import { FixedLimit } from './concurrency-limit.js';

/** `rounds` times: as many requests as are let in, all answered after `latency`. Returns when it ended. */
function saturate(limit: AdaptiveLimit, from: number, rounds: number, latency: (inFlight: number) => number): number {
  let now = from;
  for (let round = 0; round < rounds; round++) {
    let sent = 0;
    while (limit.tryAcquire(now, false)) sent++;
    const startedAt = now;
    now += latency(sent);
    for (let i = 0; i < sent; i++) limit.answered(startedAt, now, 'served');
  }
  return now;
}

describe('AdaptiveLimit', () => {
  it('grows while answers don’t slow down, up to its maximum', () => {
    const limit = new AdaptiveLimit({ min: 4, max: 500, initial: 20 });
    saturate(limit, 0, 300, () => 50);
    expect(limit.limit).toBe(500);
    expect(limit.unloadedLatency).toBeCloseTo(50);
  });

  it('comes down while answers slow down, and settles near twice what the upstream works on', () => {
    const limit = new AdaptiveLimit();
    saturate(limit, 0, 2000, (inFlight) => 50 * Math.max(1, inFlight / 20));
    expect(limit.limit).toBeGreaterThan(20);
    expect(limit.limit).toBeLessThan(60);
  });

  it('does not come down while nobody is refused, however slow it gets', () => {
    const limit = new AdaptiveLimit({ min: 4, max: 1000, initial: 100 });
    let now = 0;
    for (let i = 0; i < 3000; i++) {
      expect(limit.tryAcquire(now, false)).toBe(true);
      limit.answered(now, now + (i < 1000 ? 10 : 500), 'served');
      now += 20;
    }
    expect(limit.limit).toBe(100);
  });

  it('comes down when the upstream says that it is overloaded, however fast it says so', () => {
    const limit = new AdaptiveLimit();
    let now = saturate(limit, 0, 20, () => 50);
    const before = limit.limit;
    for (let i = 0; i < 500; i++) {
      limit.tryAcquire(now, false);
      now += 2;
      limit.answered(now - 2, now, 'overloaded');
    }
    expect(limit.limit).toBeLessThan(before / 2);
  });

  it('comes down when those that are let in mostly give up', () => {
    const limit = new AdaptiveLimit();
    for (let now = 0; now < 60_000; now += 1000) {
      let sent = 0;
      while (limit.tryAcquire(now, false)) sent++;
      for (let i = 0; i < sent; i++) limit.answered(now, now + 1000, 'longer');
    }
    expect(limit.limit).toBeLessThan(20);
  });

  it('holds back to see what is left as soon as it has come down for that', () => {
    const limit = new AdaptiveLimit();
    // After this, there has just been a probe, and the next one is far off.
    let now = saturate(limit, 0, 400, (inFlight) => 20 * Math.max(1, inFlight / 40));
    const before = limit.limit;
    let sent = 0;
    for (; limit.limit > 0.6 * before; now += 100) {
      for (sent = 0; limit.tryAcquire(now, false); sent++);
      for (let i = 0; i < sent; i++) limit.answered(now, now + 45, 'longer');
    }
    for (sent = 0; limit.tryAcquire(now, false); sent++);
    expect(sent).toBe(Math.floor(limit.limit / 3));
  });

  it('goes by how long an answer took once the request had been sent, however slowly that came in', () => {
    const limit = new AdaptiveLimit();
    let now = saturate(limit, 0, 20, () => 50);
    for (let round = 0; round < 100; round++) {
      let sent = 0;
      while (limit.tryAcquire(now, false)) sent++;
      for (let i = 0; i < sent; i++) limit.answered(now, now + 5050, 'served', now + 5000);
      now += 5050;
    }
    expect(limit.limit).toBe(10_000);
    expect(limit.unloadedLatency).toBeCloseTo(50);
  });

  it('does not mind clients that give up while nobody is refused', () => {
    const limit = new AdaptiveLimit();
    for (let now = 0; now < 600_000; now += 500) {
      limit.tryAcquire(now, false);
      limit.answered(now, now + 25_000, 'longer');
    }
    expect(limit.limit).toBe(100);
  });

  it('does not take failures that say nothing for fast answers', () => {
    const limit = new AdaptiveLimit();
    const now = saturate(limit, 0, 20, () => 50);
    const before = [limit.limit, limit.unloadedLatency];
    for (let i = 0; i < 5000; i++) {
      limit.tryAcquire(now + i, false);
      limit.answered(now + i, now + i + 0.1, 'nothing');
    }
    expect([limit.limit, limit.unloadedLatency]).toEqual(before);
  });

  it('finds the new latency of an upstream that became slower, and grows again', () => {
    const limit = new AdaptiveLimit();
    let now = saturate(limit, 0, 400, (inFlight) => 20 * Math.max(1, inFlight / 30));
    now = saturate(limit, now, 500, (inFlight) => 200 * Math.max(1, inFlight / 30));
    expect(limit.unloadedLatency).toBeGreaterThan(150);
    expect(limit.limit).toBeGreaterThan(30);
    saturate(limit, now, 1000, (inFlight) => 5 * Math.max(1, inFlight / 300));
    expect(limit.limit).toBeGreaterThan(120);
  });

  it('lets routes that go first a quarter beyond the limit', () => {
    const limit = new AdaptiveLimit({ min: 4, max: 100, initial: 8 });
    for (let i = 0; i < 8; i++) expect(limit.tryAcquire(0, false)).toBe(true);
    expect(limit.tryAcquire(0, false)).toBe(false);
    expect([limit.tryAcquire(0, true), limit.tryAcquire(0, true), limit.tryAcquire(0, true)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('never lets in more than its maximum, never stays below its minimum, and never loses count', () => {
    const step = fc.record({
      wait: fc.nat(300),
      send: fc.nat(40),
      answer: fc.nat(40),
      sign: fc.constantFrom('served', 'served', 'served', 'overloaded', 'longer', 'nothing'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
        const limit = new AdaptiveLimit({ min: 3, max: 60, initial: 20 });
        const under: number[] = [];
        let now = 0;
        let wrong = 0;
        for (const { wait, send, answer, sign } of steps) {
          now += wait;
          for (let i = 0; i < send; i++) if (limit.tryAcquire(now, false)) under.push(now);
          if (under.length > 60) wrong++;
          for (let i = 0; i < answer && under.length > 0; i++) limit.answered(under.shift()!, now, sign);
          if (limit.inFlight !== under.length || limit.limit < 3 || limit.limit > 60) wrong++;
        }
        expect(wrong).toBe(0);
        for (const startedAt of under) limit.answered(startedAt, now, 'nothing');
        // However it ended, after a pause it lets someone in.
        expect(limit.tryAcquire(now + 1_000_000, false)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('FixedLimit', () => {
  it('lets in so many and holds their places until they are finished', () => {
    const limit = new FixedLimit(2);
    expect([limit.tryAcquire(), limit.tryAcquire(), limit.tryAcquire()]).toEqual([true, true, false]);
    limit.answered();
    expect(limit.tryAcquire()).toBe(false);
    limit.finished();
    expect([limit.tryAcquire(), limit.inFlight]).toEqual([true, 2]);
  });

  it('can be without a limit', () => {
    const limit = new FixedLimit(Infinity);
    let refused = 0;
    for (let i = 0; i < 100_000; i++) if (!limit.tryAcquire()) refused++;
    expect(refused).toBe(0);
  });
});
