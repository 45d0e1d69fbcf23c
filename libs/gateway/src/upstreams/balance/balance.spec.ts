import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ActiveHealth } from '../active-health.js';
import { Condition } from '../condition.js';
import { type Balancer } from './candidate.js';
import { type Balance, createBalancer } from './create-balancer.js';

const KINDS: readonly Balance[] = ['round-robin', 'least-requests', 'random-two', 'ewma', 'hash'];

function target(id: string, weight = 1, slowStart = 0, since = 0): Condition {
  const active = new ActiveHealth({ healthy: 1, unhealthy: 1 });
  return new Condition({ id, weight, slowStart, since, active, breaker: null, passive: null });
}

function targets(...weights: number[]): Condition[] {
  return weights.map((weight, index) => target(`10.0.0.${index}:80`, weight));
}

/** The same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4_294_967_296;
  };
}

function count(balancer: Balancer<Condition>, list: readonly Condition[], turns: number): number[] {
  const counts = list.map(() => 0);
  for (let turn = 0; turn < turns; turn++) counts[list.indexOf(balancer.choose(0, [], `key ${turn}`, false)!)]!++;
  return counts;
}

const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });

describe.each(KINDS)('balance: %s', (kind) => {
  it('never chooses what is out, tried or without weight, and finds what is left', () => {
    const state = fc.record({ weight: fc.integer({ min: 0, max: 3 }), well: fc.boolean(), tried: fc.boolean() });
    fc.assert(
      fc.property(fc.array(state, { maxLength: 6 }), fc.integer(), fc.boolean(), (states, seed, ignoreHealth) => {
        const list = states.map(({ weight }, index) => target(`t${index}`, weight));
        list.forEach((one, index) => one.active?.checked(states[index]!.well, 0));
        const tried = list.filter((_, index) => states[index]!.tried);
        const allowed = list.filter((_, index) => {
          const { weight, well, tried: was } = states[index]!;
          return weight > 0 && !was && (well || ignoreHealth);
        });
        const balancer = createBalancer(kind, list, seeded(seed));
        for (let turn = 0; turn < 10; turn++) {
          const chosen = balancer.choose(turn, tried, `${seed} ${turn}`, ignoreHealth);
          if (allowed.length === 0) expect(chosen).toBeUndefined();
          else expect(allowed).toContain(chosen);
        }
      }),
    );
  });

  it('chooses nothing when there is nothing', () => {
    expect(createBalancer(kind, [] as Condition[]).choose(0, [], 'key', false)).toBeUndefined();
  });

  it('takes whatever random number it is given', () => {
    const list = targets(1, 2, 3);
    for (const extreme of [0, 0.999999999999]) {
      const balancer = createBalancer(kind, list, () => extreme);
      expect(list).toContain(balancer.choose(0, [], 'key', false));
    }
  });

  it('gives a target that is back its share again', () => {
    const list = targets(1, 1, 1);
    const balancer = createBalancer(kind, list, seeded(7));
    list[1]!.active!.checked(false, 0);
    expect(count(balancer, list, 300)[1]).toBe(0);
    list[1]!.active!.checked(true, 0);
    expect(count(balancer, list, 300)[1]).toBeGreaterThan(60);
  });

  it('gives a target that starts slowly a small share, and all of it later', () => {
    const list = [target('a', 1), target('b', 1, 10_000, 1_000_000)];
    const balancer = createBalancer(kind, list, seeded(3));
    const share = (now: number): number => {
      let its = 0;
      for (let turn = 0; turn < 2000; turn++) if (balancer.choose(now, [], `k${turn}`, false) === list[1]) its++;
      return its / 2000;
    };
    // With two targets and no latencies known, `ewma` knows no better than the shares either.
    expect(share(1_000_000)).toBeCloseTo(0.1 / 1.1, 1);
    expect(share(1_005_000)).toBeCloseTo(0.5 / 1.5, 1);
    expect(share(1_010_000)).toBeCloseTo(0.5, 1);
  });
});

describe('balance by weight', () => {
  it('round-robin keeps each target within one turn of its share, at any moment', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 200 }), (given, turns) => {
        const list = targets(...given);
        const total = given.reduce((sum, weight) => sum + weight, 0);
        const counts = count(createBalancer('round-robin', list), list, turns);
        counts.forEach((its, index) => {
          expect(Math.abs(its - (turns * given[index]!) / total)).toBeLessThan(given.length === 1 ? 1 : 2);
        });
        expect(count(createBalancer('round-robin', list), list, total)).toEqual(given);
      }),
    );
  });

  it('round-robin spreads a heavy target instead of serving it in one run', () => {
    const list = targets(5, 1, 1);
    const balancer = createBalancer('round-robin', list);
    const turns = Array.from({ length: 7 }, () => list.indexOf(balancer.choose(0, [], undefined, false)!));
    expect(turns).toEqual([0, 0, 1, 0, 2, 0, 0]);
  });

  it('round-robin is fair again once targets stop coming and going', () => {
    const churn = fc.array(fc.record({ index: fc.nat(3), well: fc.boolean(), turns: fc.nat(5) }), {
      maxLength: 60,
      size: 'max',
    });
    fc.assert(
      fc.property(churn, (events) => {
        const list = targets(3, 2, 1, 1);
        const balancer = createBalancer('round-robin', list);
        for (const { index, well, turns } of events) {
          list[index]!.active!.checked(well, 0);
          for (let turn = 0; turn < turns; turn++) balancer.choose(0, [], undefined, false);
        }
        for (const one of list) one.active!.checked(true, 0);
        const counts = count(balancer, list, 700);
        [300, 200, 100, 100].forEach((share, index) => expect(Math.abs(counts[index]! - share)).toBeLessThan(15));
      }),
    );
  });

  it('least-requests uses idle targets by weight', () => {
    const list = targets(3, 1);
    expect(count(createBalancer('least-requests', list), list, 400)).toEqual([300, 100]);
  });

  it('least-requests always takes one with the fewest requests for its weight', () => {
    const loads = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(20)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(loads, (given) => {
        const list = targets(...given.map(([weight]) => weight));
        list.forEach((one, index) => (one.inFlight = given[index]![1]));
        const chosen = createBalancer('least-requests', list).choose(0, [], undefined, false)!;
        const least = Math.min(...given.map(([weight, inFlight]) => inFlight / weight));
        expect(chosen.inFlight / chosen.share(0)).toBe(least);
      }),
    );
  });

  it.each(['random-two', 'ewma', 'hash'] as const)(
    '%s uses targets by weight while nothing tells them apart',
    (kind) => {
      const list = targets(4, 2, 1, 1);
      const counts = count(createBalancer(kind, list, seeded(11)), list, 20_000);
      [0.5, 0.25, 0.125, 0.125].forEach((share, index) =>
        expect(Math.abs(counts[index]! / 20_000 - share)).toBeLessThan(0.015),
      );
    },
  );

  it('random-two never takes the busiest of three', () => {
    const list = targets(1, 1, 1);
    list[0]!.inFlight = 9;
    list[1]!.inFlight = 2;
    const counts = count(createBalancer('random-two', list, seeded(5)), list, 3000);
    expect(counts[0]).toBe(0);
    expect(counts[2]).toBeGreaterThan(counts[1]!);
  });
});

describe('balance: ewma', () => {
  it('takes the faster of two', () => {
    const list = targets(1, 1);
    list[0]!.answeredIn(50, false, 0);
    list[1]!.answeredIn(5, false, 0);
    expect(count(createBalancer('ewma', list, seeded(1)), list, 100)).toEqual([0, 100]);
  });

  it('takes the slower one while the faster one has too much to do', () => {
    const list = targets(1, 1);
    list[0]!.answeredIn(50, false, 0);
    list[1]!.answeredIn(10, false, 0);
    list[1]!.inFlight = 6;
    expect(count(createBalancer('ewma', list, seeded(1)), list, 100)).toEqual([100, 0]);
  });

  it('tries a slow target again after a while', () => {
    const list = targets(1, 1);
    list[0]!.answeredIn(500, false, 0);
    const balancer = createBalancer('ewma', list, seeded(1));
    let now = 0;
    while (now < 120_000) {
      list[1]!.answeredIn(5, false, now);
      if (balancer.choose(now, [], undefined, false) === list[0]) break;
      now += 100;
    }
    expect(now).toBeLessThan(60_000);
  });

  it('sends one request to a target that never answered, and no second before it has', () => {
    const list = targets(1, 1);
    list[0]!.answeredIn(20, false, 0);
    const balancer = createBalancer('ewma', list, seeded(1));
    expect(balancer.choose(0, [], undefined, false)).toBe(list[1]);
    list[1]!.inFlight = 1;
    expect(count(balancer, list, 50)).toEqual([50, 0]);
  });
});

describe('balance: hash', () => {
  const keys = Array.from({ length: 3000 }, (_, index) => `user-${index}`);
  const owners = (list: readonly Condition[]): string[] => {
    const balancer = createBalancer('hash', list);
    return keys.map((key) => balancer.choose(0, [], key, false)!.id);
  };

  it('always gives a key to the same target, whatever the order in the file', () => {
    const list = targets(1, 2, 1, 3, 1);
    expect(owners(list)).toEqual(owners([...list].reverse()));
  });

  it('is the same in every process', () => {
    const list = ['a:80', 'b:80', 'c:80', 'd:80'].map((id) => target(id));
    const balancer = createBalancer('hash', list);
    const chosen = ['', 'alice', 'bob', '203.0.113.9', 'ключ'].map((key) => balancer.choose(0, [], key, false)!.id);
    expect(chosen).toEqual(['a:80', 'c:80', 'b:80', 'b:80', 'a:80']);
  });

  it('moves only the keys of a target that goes, about 1/n of them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(), fc.nat(1000), (n, pick, salt) => {
        const list = Array.from({ length: n }, (_, index) => target(`10.${salt}.0.${index}:8080`));
        const gone = list[pick % n]!;
        const before = owners(list);
        gone.active!.checked(false, 0);
        const after = owners(list);
        let moved = 0;
        let needlessly = 0;
        keys.forEach((_, index) => {
          if (before[index] === after[index]) return;
          moved++;
          if (before[index] !== gone.id) needlessly++;
        });
        expect(needlessly).toBe(0);
        expect(moved / keys.length).toBeLessThan(1 / n + 0.03);
      }),
      { numRuns: 15 },
    );
  });

  it('takes for a new target only what that one then owns', () => {
    const list = targets(1, 1, 1, 1);
    const before = owners(list.slice(0, 3));
    owners(list).forEach((owner, index) => {
      if (owner !== before[index]) expect(owner).toBe(list[3]!.id);
    });
  });

  it('spreads keys by weight, to within 3 %', () => {
    const list = targets(1, 2, 5);
    const owned = owners(list);
    list.forEach((one, index) => {
      const share = owned.filter((id) => id === one.id).length / keys.length;
      expect(Math.abs(share - [1, 2, 5][index]! / 8)).toBeLessThan(0.03);
    });
  });

  it('gives the same address listed twice two shares', () => {
    const list = [target('a:80'), target('a:80'), target('b:80')];
    const balancer = createBalancer('hash', list);
    const chosen = new Set(keys.map((key) => list.indexOf(balancer.choose(0, [], key, false)!)));
    expect(chosen.size).toBe(3);
  });

  it('never lets a target hold more than 1.25 times its fair part, or four', () => {
    const hot = fc.array(fc.nat(3), { minLength: 50, maxLength: 300, size: 'max' });
    fc.assert(
      fc.property(weights, hot, (given, requests) => {
        const list = targets(...given);
        const total = given.reduce((sum, weight) => sum + weight, 0);
        const balancer = createBalancer('hash', list);
        let wrong = 0;
        requests.forEach((key, index) => {
          const chosen = balancer.choose(0, [], `hot-${key}`, false)!;
          chosen.inFlight++;
          const fair = ((index + 1) * chosen.share(0)) / total;
          if (chosen.inFlight > Math.max(4, Math.ceil(1.25 * fair))) wrong++;
        });
        expect(wrong).toBe(0);
      }),
    );
  });

  it('goes back to the owner of a key as soon as that has room', () => {
    const list = targets(1, 1, 1);
    const balancer = createBalancer('hash', list);
    const owner = balancer.choose(0, [], 'k', false)!;
    owner.inFlight = 10;
    expect(balancer.choose(0, [], 'k', false)).not.toBe(owner);
    owner.inFlight = 0;
    expect(balancer.choose(0, [], 'k', false)).toBe(owner);
  });

  it('takes turns for requests without a key', () => {
    const list = targets(1, 1, 1);
    const balancer = createBalancer('hash', list);
    const chosen = Array.from({ length: 3 }, () => balancer.choose(0, [], undefined, false));
    expect(new Set(chosen).size).toBe(3);
  });
});
