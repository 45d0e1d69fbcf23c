import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Algorithm, ALGORITHMS, grainOf, type Limit, renewal } from './index.js';

const SECOND = 1_000_000;
/** Far enough from zero that no window begins before time does. */
const START = 1_760_000_000 * SECOND;

interface Arrival {
  readonly now: number;
  readonly cost: number;
}

interface Admitted extends Arrival {
  readonly left: number;
}

/** Bursts at one moment, crowds within microseconds, pauses longer than a window. */
function arrivals(limit: Limit): fc.Arbitrary<Arrival[]> {
  const gap = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 1000 }) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: Math.ceil(limit.window / limit.limit) * 2 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: limit.window * 2 }) },
  );
  const cost = fc.oneof(
    { weight: 6, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: limit.capacity + 1 }) },
  );
  return fc.array(fc.record({ gap, cost }), { minLength: 1, maxLength: 120 }).map((steps) => {
    let now = START + (limit.window % 7919);
    return steps.map((step) => ({ now: (now += step.gap), cost: step.cost }));
  });
}

const window = fc.integer({ min: 100_000, max: 3600 * SECOND });
const limits: Record<'bucket' | 'exact' | 'coarse' | 'fixed', fc.Arbitrary<Limit>> = {
  bucket: fc.record({
    algorithm: fc.constant('token-bucket' as const),
    limit: fc.integer({ min: 1, max: 200 }),
    window,
    capacity: fc.integer({ min: 1, max: 300 }),
    grain: fc.constant(1),
    period: fc.constant(null),
  }),
  exact: fc.tuple(fc.integer({ min: 1, max: 50 }), window).map(([limit, window]) => ({
    algorithm: 'sliding-window',
    period: null,
    limit,
    window,
    capacity: limit,
    grain: 1,
  })),
  coarse: fc.tuple(fc.integer({ min: 1, max: 50 }), window).map(([limit, window]) => ({
    algorithm: 'sliding-window',
    limit,
    window,
    capacity: limit,
    grain: grainOf(1e6, 1, window),
    period: null,
  })),
  fixed: fc
    .tuple(fc.integer({ min: 1, max: 50 }), window)
    .map(([limit, window]) => ({ algorithm: 'fixed-window', period: null, limit, window, capacity: limit, grain: 1 })),
};

function traces(limit: fc.Arbitrary<Limit>): fc.Arbitrary<{ limit: Limit; trace: Arrival[] }> {
  return limit.chain((limit) => arrivals(limit).map((trace) => ({ limit, trace })));
}

/** Runs a trace; `expected` says of each arrival what must happen to it, where that is certain. */
function run(
  limit: Limit,
  trace: readonly Arrival[],
  expected: (admitted: readonly Admitted[], arrival: Arrival) => boolean | undefined,
): Admitted[] {
  const algorithm: Algorithm<unknown> = ALGORITHMS[limit.algorithm];
  const state = algorithm.fresh();
  const admitted: Admitted[] = [];
  for (const arrival of trace) {
    const { now, cost } = arrival;
    const wait = algorithm.wait(limit, state, now, cost);
    const must = expected(admitted, arrival);
    if (must !== undefined) expect(wait === 0).toBe(must);
    if (wait === Infinity) expect(cost).toBeGreaterThan(limit.capacity);
    else if (wait > 0) {
      expect(algorithm.wait(limit, state, now + wait, cost)).toBe(0);
      expect(algorithm.wait(limit, state, now + wait - 1, cost)).toBe(1);
    }
    if (wait === 0) {
      algorithm.charge(limit, state, now, cost);
      admitted.push({ ...arrival, left: algorithm.left(limit, state, now) });
    }
    const left = algorithm.left(limit, state, now);
    expect(algorithm.wait(limit, state, now, left) === 0 || left === 0).toBe(true);
    const renews = renewal(algorithm, limit, state, now);
    if (left < limit.capacity) expect(algorithm.left(limit, state, now + renews)).toBeGreaterThan(left);
    expect(renews > 0).toBe(left < limit.capacity);
  }
  return admitted;
}

function sum(entries: readonly Arrival[]): number {
  return entries.reduce((total, { cost }) => total + cost, 0);
}

/** A bucket in exact arithmetic: what is missing, in tokens × microseconds. */
function bucketModel(limit: Limit): (admitted: readonly Admitted[], arrival: Arrival) => boolean {
  const [rate, window, capacity] = [BigInt(limit.limit), BigInt(limit.window), BigInt(limit.capacity)];
  return (admitted, arrival) => {
    let debt = 0n;
    let at = 0n;
    const drain = (now: bigint): void => {
      debt -= (now - at) * rate;
      if (debt < 0n) debt = 0n;
      at = now;
    };
    for (const { now, cost } of admitted) {
      drain(BigInt(now));
      debt += BigInt(cost) * window;
    }
    drain(BigInt(arrival.now));
    return debt + BigInt(arrival.cost) * window <= capacity * window;
  };
}

describe('the token bucket', () => {
  it('admits exactly what an exact model of a bucket admits, for any arrivals', () => {
    fc.assert(fc.property(traces(limits.bucket), ({ limit, trace }) => void run(limit, trace, bucketModel(limit))));
  });

  it('never admits more than burst + rate × time, in any stretch', () => {
    fc.assert(
      fc.property(traces(limits.bucket), ({ limit, trace }) => {
        const admitted = run(limit, trace, () => undefined);
        for (const [from, first] of admitted.entries()) {
          let total = 0;
          for (const { now, cost } of admitted.slice(from)) {
            total += cost;
            expect(total * limit.window).toBeLessThanOrEqual(
              limit.capacity * limit.window + (now - first.now) * limit.limit,
            );
          }
        }
      }),
    );
  });

  it('admits everyone who asks no faster than the rate', () => {
    fc.assert(
      fc.property(limits.bucket, (limit) => {
        const gap = Math.ceil(limit.window / limit.limit);
        const steady = Array.from({ length: 200 }, (_, index) => ({ now: START + index * gap, cost: 1 }));
        expect(run(limit, steady, () => true)).toHaveLength(200);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps the share that is used when the window of its rule changes', () => {
    const bucket = ALGORITHMS['token-bucket'];
    const before: Limit = {
      algorithm: 'token-bucket',
      period: null,
      limit: 10,
      window: SECOND,
      capacity: 10,
      grain: 1,
    };
    const state = bucket.fresh();
    bucket.charge(before, state, START, 10);
    const after = { ...before, window: 60 * SECOND };
    expect(bucket.left(after, state, START)).toBe(0);
    expect(bucket.wait(after, state, START, 1)).toBe(6 * SECOND);
  });
});

describe('the sliding window', () => {
  const inside = (admitted: readonly Admitted[], now: number, span: number): number =>
    sum(admitted.filter((entry) => entry.now > now - span));

  it('admits a request exactly when the window that ends with it has room', () => {
    fc.assert(
      fc.property(traces(limits.exact), ({ limit, trace }) => {
        run(limit, trace, (admitted, { now, cost }) => inside(admitted, now, limit.window) + cost <= limit.limit);
      }),
    );
  });

  it('in constant memory never admits more than the limit in any window, nor less than the limit in 1.01 windows', () => {
    fc.assert(
      fc.property(traces(limits.coarse), ({ limit, trace }) => {
        run(limit, trace, (admitted, { now, cost }) => {
          if (inside(admitted, now, limit.window) + cost > limit.limit) return false;
          return inside(admitted, now, limit.window + limit.grain) + cost <= limit.limit ? true : undefined;
        });
      }),
    );
  });

  it('counts exactly up to a limit of 1,000, and beyond that keeps at most 128 entries', () => {
    expect(grainOf(1000, 1, 60 * SECOND)).toBe(1);
    const limit: Limit = {
      algorithm: 'sliding-window',
      period: null,
      limit: 1e6,
      window: 60 * SECOND,
      capacity: 1e6,
      grain: 0,
    };
    const coarse = { ...limit, grain: grainOf(limit.limit, 1, limit.window) };
    expect(coarse.grain).toBe(600_000);
    const sliding = ALGORITHMS['sliding-window'];
    const state = sliding.fresh();
    for (let index = 0; index < 200_000; index++) sliding.charge(coarse, state, START + index * 1000, 1);
    expect(sliding.weight(state)).toBeLessThanOrEqual(80 + 128 * 16);
    expect(sliding.left(coarse, state, START + 199_999_000)).toBeLessThan(1e6 - 60_000);
  });

  it('keeps more grains for a rule whose requests cost less than one token', () => {
    expect(grainOf(100, 0.01, SECOND)).toBe(10_000);
  });
});

describe('the fixed window', () => {
  it('admits exactly the limit between two ticks of the clock', () => {
    fc.assert(
      fc.property(traces(limits.fixed), ({ limit, trace }) => {
        const tick = (now: number): number => Math.floor(now / limit.window);
        run(limit, trace, (admitted, { now, cost }) => {
          return sum(admitted.filter((entry) => tick(entry.now) === tick(now))) + cost <= limit.limit;
        });
      }),
    );
  });

  it('begins days at midnight UTC', () => {
    const day: Limit = {
      algorithm: 'fixed-window',
      period: null,
      limit: 1,
      window: 86_400 * SECOND,
      capacity: 1,
      grain: 1,
    };
    const fixed = ALGORITHMS['fixed-window'];
    const state = fixed.fresh();
    const evening = Date.parse('2026-03-04T23:59:50Z') * 1000;
    fixed.charge(day, state, evening, 1);
    expect(fixed.wait(day, state, evening, 1)).toBe(10 * SECOND);
  });
});

describe.each(['token-bucket', 'sliding-window', 'fixed-window'] as const)(
  'a clock that is set back under a %s',
  (name) => {
    const algorithm = ALGORITHMS[name];
    const limit: Limit = { algorithm: name, period: null, limit: 5, window: 60 * SECOND, capacity: 5, grain: 1 };
    const now = START + 30 * SECOND;

    it('by less than a window admits nothing twice', () => {
      const state = algorithm.fresh();
      algorithm.charge(limit, state, now, 5);
      for (let back = SECOND; back <= 50 * SECOND; back += SECOND) {
        expect(algorithm.wait(limit, state, now - back, 1)).toBeGreaterThan(0);
      }
    });

    it('by far never refuses for longer than a window', () => {
      const state = algorithm.fresh();
      algorithm.charge(limit, state, now, 5);
      const back = now - 7200 * SECOND;
      const wait = algorithm.wait(limit, state, back, 1);
      expect(wait).toBeLessThanOrEqual(limit.window);
      algorithm.charge(limit, state, back + wait, 1);
      expect(algorithm.wait(limit, state, back + wait + limit.window, 1)).toBe(0);
    });
  },
);
