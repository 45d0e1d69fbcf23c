import { describe, expect, it } from '@jest/globals';
import { AdaptiveLimit } from './adaptive-limit.js';
import { type ConcurrencyLimit, FixedLimit } from './concurrency-limit.js';

/**
 * A simulation, in simulated time, of an upstream that works on `workers` requests at once and lets the others wait in a
 * queue. Clients arrive at random, give up after `patience`, and try again up to three times when they were refused or gave
 * up. The worst is assumed of the upstream: it goes on working for clients that are gone.
 */
interface Scenario {
  readonly seed: number;
  /** Arriving clients, in parts of what the upstream can do. */
  readonly load: (now: number) => number;
  readonly seconds: number;
  readonly patience: number;
  readonly workers: (now: number) => number;
  /** Milliseconds of work of one request, on average. */
  readonly work: (now: number) => number;
  readonly spread: 'fixed' | 'exponential';
  readonly limit: ConcurrencyLimit;
}

const RETRIES = 3;

interface Result {
  /** Requests answered in time, in parts of what the upstream could have answered. */
  readonly goodput: number;
  readonly refused: number;
}

/** Events in the order of time; of the same time, in the order in which they were planned. */
class Agenda {
  now = 0;
  private readonly heap: { at: number; order: number; run: () => void }[] = [];
  private planned = 0;

  after(wait: number, run: () => void): void {
    const { heap } = this;
    heap.push({ at: this.now + wait, order: this.planned++, run });
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.swapIfEarlier(child, parent)) break;
      child = parent;
    }
  }

  runUntil(end: number): void {
    const { heap } = this;
    while (heap.length > 0 && heap[0]!.at <= end) {
      const next = heap[0]!;
      const last = heap.pop()!;
      if (heap.length > 0) {
        heap[0] = last;
        for (let parent = 0; ;) {
          const left = 2 * parent + 1;
          if (left >= heap.length) break;
          const child = left + 1 < heap.length && this.earlier(left + 1, left) ? left + 1 : left;
          if (!this.swapIfEarlier(child, parent)) break;
          parent = child;
        }
      }
      this.now = next.at;
      next.run();
    }
  }

  private earlier(one: number, other: number): boolean {
    const a = this.heap[one]!;
    const b = this.heap[other]!;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  private swapIfEarlier(child: number, parent: number): boolean {
    if (!this.earlier(child, parent)) return false;
    [this.heap[child], this.heap[parent]] = [this.heap[parent]!, this.heap[child]!];
    return true;
  }
}

function simulate(scenario: Scenario): Result {
  const { load, seconds, patience, workers, work, spread, limit } = scenario;
  const agenda = new Agenda();
  let state = scenario.seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const exponential = (mean: number): number => -Math.log(1 - random()) * mean;

  let busy = 0;
  const queue: (() => void)[] = [];
  const serve = (done: () => void): void => {
    if (busy >= workers(agenda.now)) {
      queue.push(() => serve(done));
      return;
    }
    busy++;
    const mean = work(agenda.now);
    agenda.after(spread === 'fixed' ? mean : exponential(mean), () => {
      busy--;
      done();
      queue.shift()?.();
    });
  };

  let answered = 0;
  let refused = 0;
  const send = (retriesLeft: number): void => {
    const again = (): void => {
      if (retriesLeft > 0) agenda.after(20 + 200 * random(), () => send(retriesLeft - 1));
    };
    const startedAt = agenda.now;
    if (!limit.tryAcquire(startedAt, false)) {
      refused++;
      again();
      return;
    }
    let over = false;
    const end = (sign: 'served' | 'longer'): boolean => {
      if (over) return false;
      over = true;
      limit.answered(startedAt, agenda.now, sign);
      limit.finished();
      return true;
    };
    serve(() => {
      if (end('served')) answered++;
    });
    agenda.after(patience, () => {
      if (end('longer')) again();
    });
  };
  const arrive = (): void => {
    send(RETRIES);
    agenda.after(exponential(work(agenda.now) / workers(agenda.now) / load(agenda.now)), arrive);
  };
  arrive();
  agenda.runUntil(seconds * 1000);

  let possible = 0;
  for (let now = 0; now < seconds * 1000; now += 100) possible += (100 * workers(now)) / work(now);
  return { goodput: answered / possible, refused };
}

const USUAL = {
  seconds: 20,
  patience: 1000,
  workers: () => 20,
  work: () => 50,
  load: () => 3,
  spread: 'exponential',
} as const;

describe('overload', () => {
  it('makes an upstream useless when nothing is refused', () => {
    const { goodput } = simulate({ ...USUAL, seed: 1, limit: new FixedLimit(Infinity) });
    expect(goodput).toBeLessThan(0.1);
  });

  it.each([
    ['fixed', 10, 1],
    ['fixed', 50, 2],
    ['exponential', 10, 3],
    ['exponential', 20, 4],
    ['exponential', 50, 5],
  ] as const)(
    'at three times the capacity, with clients that retry thrice, leaves 95%% of it useful (%s work, %i workers)',
    (spread, workers, seed) => {
      const limit = new AdaptiveLimit();
      const { goodput } = simulate({ ...USUAL, seed, spread, workers: () => workers, limit });
      expect(goodput).toBeGreaterThan(0.95);
    },
  );

  it('is hardly worse than the best number that one could have given', () => {
    const best = simulate({ ...USUAL, seed: 6, limit: new FixedLimit(40) }).goodput;
    const found = simulate({ ...USUAL, seed: 6, limit: new AdaptiveLimit() }).goodput;
    expect(found).toBeGreaterThan(0.96 * best);
  });

  it.each([0.3, 0.5, 0.8])('refuses nobody at %d of the capacity', (load) => {
    for (const seed of [7, 8, 9]) {
      const { goodput, refused } = simulate({ ...USUAL, seed, load: () => load, limit: new AdaptiveLimit() });
      expect(refused).toBe(0);
      expect(Math.abs(goodput - load)).toBeLessThan(0.05);
    }
  });

  it('refuses nobody when an upstream with room to spare becomes three times slower', () => {
    const work = (now: number): number => (now < 10_000 ? 50 : 150);
    const limit = new AdaptiveLimit();
    expect(simulate({ ...USUAL, seed: 10, load: () => 0.3, seconds: 60, work, limit }).refused).toBe(0);
    expect(limit.unloadedLatency).toBeGreaterThan(120);
  });

  it.each([
    ['becomes three times slower', () => 20, (now: number) => (now < 20_000 ? 50 : 150)],
    ['becomes three times faster', () => 20, (now: number) => (now < 20_000 ? 50 : 17)],
    ['loses nine tenths of its workers', (now: number) => (now < 20_000 ? 100 : 10), () => 50],
    ['gets ten times the workers', (now: number) => (now < 20_000 ? 10 : 100), () => 50],
  ])('finds the new limit when an overloaded upstream %s', (_, workers, work) => {
    const { goodput } = simulate({ ...USUAL, seed: 11, seconds: 60, workers, work, limit: new AdaptiveLimit() });
    expect(goodput).toBeGreaterThan(0.93);
  });

  it('refuses nobody any more once a burst is over', () => {
    const burst = (now: number): number => (now < 10_000 ? 3 : 0.5);
    const limit = new AdaptiveLimit();
    const during = simulate({ ...USUAL, seed: 12, load: burst, seconds: 11, limit: new AdaptiveLimit() }).refused;
    const all = simulate({ ...USUAL, seed: 12, load: burst, seconds: 30, limit }).refused;
    expect(during).toBeGreaterThan(10_000);
    expect(all - during).toBe(0);
  });
});
