import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ActiveHealth } from './active-health.js';
import { Attempt } from './attempt.js';
import { createBalancer } from './balance/create-balancer.js';
import { Breaker } from './breaker.js';
import { FixedLimit } from './concurrency/concurrency-limit.js';
import { Condition, type ConditionParts } from './condition.js';
import { PassiveHealth } from './passive-health.js';
import { selectTarget } from './select-target.js';

const BREAKER = { failures: 0.5, minimum: 2, window: 10_000, open: 15_000, probes: 1 };
const PASSIVE = { failures: 2, eject: 30_000, maxEjected: 1 };

function condition(parts: Partial<ConditionParts> = {}): Condition {
  return new Condition({
    id: 'a:80',
    weight: 1,
    breaker: new Breaker(BREAKER),
    passive: new PassiveHealth(PASSIVE).join(),
    active: new ActiveHealth({ healthy: 1, unhealthy: 1 }),
    slowStart: 0,
    since: 0,
    ...parts,
  });
}

function attempt(at: Condition, now = 0, limit = new FixedLimit(Infinity)): Attempt {
  limit.tryAcquire();
  return new Attempt(at, limit, now);
}

describe('Condition', () => {
  it('is unavailable for its checks, its ejection, its breaker and its weight, and comes back', () => {
    const one = condition();
    expect(one.available(0, false)).toBe(true);
    one.active!.checked(false, 0);
    expect([one.available(0, false), one.available(0, true)]).toEqual([false, true]);
    one.active!.checked(true, 0);
    one.passive!.failed(0);
    one.passive!.failed(0);
    expect([one.available(29_999, false), one.available(29_999, true), one.available(30_000, false)]).toEqual([
      false,
      true,
      true,
    ]);
    for (let i = 0; i < 2; i++) one.breaker!.report(one.breaker!.begin(0), true, 0);
    expect([one.available(0, true), one.available(30_000, false)]).toEqual([false, true]);
    expect(condition({ weight: 0 }).available(0, true)).toBe(false);
  });

  it('starts slowly after whatever let it back in last', () => {
    const one = condition({ slowStart: 10_000, weight: 4 });
    expect([0, 500, 5000, 10_000].map((now) => one.share(now))).toEqual([0.4, 0.4, 2, 4]);
    one.active!.checked(false, 20_000);
    one.active!.checked(true, 30_000);
    expect([one.share(30_000), one.share(35_000)]).toEqual([0.4, 2]);
    for (let i = 0; i < 2; i++) one.breaker!.report(one.breaker!.begin(40_000), true, 40_000);
    one.breaker!.report(one.breaker!.begin(55_000), false, 55_100);
    expect([one.share(55_100), one.share(60_100), one.share(65_100)]).toEqual([0.4, 2, 4]);
    one.passive!.failed(70_000);
    one.passive!.failed(70_000);
    expect([one.share(100_000), one.share(105_000), one.share(110_000)]).toEqual([0.4, 2, 4]);
  });

  it('does not let the estimate fade while something is under way', () => {
    const one = condition();
    one.answeredIn(100, false, 0);
    expect(one.latency(5000)).toBeCloseTo(100 / Math.E);
    one.inFlight = 1;
    expect(one.latency(5000)).toBe(100);
  });

  it('believes slow answers at once and fast ones by and by, and takes failures for slow', () => {
    const one = condition();
    expect(one.latency(0)).toBe(0);
    one.answeredIn(10, false, 0);
    one.answeredIn(200, false, 100);
    expect(one.latency(100)).toBe(200);
    one.answeredIn(10, false, 100);
    expect(one.latency(100)).toBeCloseTo(200);
    one.answeredIn(10, false, 5100);
    expect(one.latency(5100)).toBeCloseTo(10 + 190 / Math.E);
    const failing = condition();
    failing.answeredIn(10, false, 0);
    for (let i = 0; i < 3; i++) failing.answeredIn(1, true, 0);
    expect(failing.latency(0)).toBe(80);
    for (let i = 0; i < 40; i++) failing.answeredIn(1, true, 0);
    expect(failing.latency(0)).toBe(60_000);
  });

  it('reports what holds and since when', () => {
    const one = condition({ since: 7 });
    expect(one.report(10)).toEqual({
      state: 'healthy',
      since: 7,
      breaker: 'closed',
      lastCheck: null,
      inFlight: 0,
      latency: null,
    });
    for (let i = 0; i < 2; i++) attempt(one, 20).answered(500, 21);
    expect(one.report(22)).toMatchObject({ state: 'ejected', since: 21, breaker: 'open', inFlight: 2, latency: 2 });
    expect(one.report(30_021)).toMatchObject({ state: 'circuit-open', since: 21 });
    one.active!.checked(false, 40);
    expect(one.report(41)).toMatchObject({ state: 'unhealthy', since: 40, lastCheck: { at: 40, good: false } });
    const plain = condition({ breaker: null, passive: null, active: null });
    expect(plain.report(0)).toMatchObject({ state: 'healthy', breaker: 'off', lastCheck: null });
  });
});

describe('Attempt', () => {
  it('counts a request from sending to its end', () => {
    const one = condition();
    const limit = new FixedLimit(1);
    const first = attempt(one, 0, limit);
    expect([one.inFlight, limit.inFlight, limit.tryAcquire()]).toEqual([1, 1, false]);
    first.answered(200, 5);
    expect([one.inFlight, limit.inFlight, one.latency(5)]).toEqual([1, 1, 5]);
    first.finished(9);
    expect([one.inFlight, limit.inFlight]).toEqual([0, 0]);
  });

  it('takes statuses from 500, broken answers and silence for failures', () => {
    const fails: ((one: Attempt) => void)[] = [
      (one) => one.answered(500, 1),
      (one) => one.answered(503, 1),
      (one) => one.failed('connect', 1),
      (one) => one.failed('connect-timeout', 1),
      (one) => one.failed('timeout', 1),
      (one) => one.failed('reset', 1),
      (one) => one.failed('protocol', 1),
    ];
    for (const fail of fails) {
      const one = condition();
      for (let i = 0; i < 2; i++) fail(attempt(one));
      expect([one.breaker!.state, one.passive!.ejectedUntil]).toEqual(['open', 30_001]);
    }
  });

  it('counts an answer that breaks off against the target', () => {
    const one = condition();
    for (let i = 0; i < 2; i++) {
      const broken = attempt(one);
      broken.answered(200, 1);
      broken.failed('reset', 2);
    }
    expect(one.breaker!.state).toBe('open');
  });

  it('takes a head for no success, whatever else succeeds meanwhile: bodies that break off stay failures in a row', () => {
    const one = condition({ breaker: null });
    const broken = [attempt(one), attempt(one), attempt(one)];
    for (const each of broken) {
      each.answered(200, 1);
      each.failed('reset', 2);
      attempt(one).answered(200, 2);
    }
    expect(one.passive!.ejectedUntil).toBe(30_002);
  });

  it('counts an answer of 500 that breaks off once', () => {
    const one = condition({ breaker: null });
    const only = attempt(one);
    only.answered(500, 1);
    only.failed('reset', 2);
    expect(one.passive!.ejectedUntil).toBe(0);
  });

  it.each(['complete', 'a second old', 'a switch of protocols'])(
    'trusts a target again once an answer is %s',
    (what) => {
      const one = condition({ passive: null });
      for (let i = 0; i < 2; i++) attempt(one).failed('reset', 0);
      const proof = attempt(one, 15_000);
      proof.answered(what === 'a switch of protocols' ? 101 : 200, 15_001);
      if (what === 'complete') proof.finished(15_002);
      else if (what === 'a second old') {
        expect([one.available(16_000, false), one.breaker!.state]).toEqual([false, 'half-open']);
        expect(one.available(16_001, false)).toBe(true);
      }
      expect(one.breaker!.state).toBe('closed');
    },
  );

  it('holds other statuses, a closed kept connection and clients that leave against nobody', () => {
    const harmless: ((one: Attempt) => void)[] = [
      (one) => one.answered(404, 1),
      (one) => one.answered(429, 1),
      (one) => one.answered(101, 1),
      (one) => one.failed('stale', 1),
      (one) => one.abandoned(1),
    ];
    for (const end of harmless) {
      const one = condition();
      for (let i = 0; i < 20; i++) end(attempt(one));
      expect([one.breaker!.state, one.passive!.ejectedUntil]).toEqual(['closed', 0]);
    }
  });

  it('knows from a client that left after long that the target is slow', () => {
    const one = condition();
    one.answeredIn(10, false, 0);
    attempt(one, 0).abandoned(500);
    expect(one.latency(500)).toBe(500);
    attempt(one, 500).abandoned(501);
    expect(one.latency(501)).toBeGreaterThan(499);
  });

  it('does not hold a slow upload against the target', () => {
    const one = condition();
    const upload = new Attempt(one, new FixedLimit(1), 0, true);
    upload.bodySent(9000);
    upload.bodySent(9500);
    upload.answered(201, 9020);
    expect(one.latency(9020)).toBe(20);
    new Attempt(one, new FixedLimit(1), 10_000, true).abandoned(60_000);
    expect(one.latency(60_000)).toBeLessThanOrEqual(20);
    const early = new Attempt(one, new FixedLimit(1), 60_000, true);
    early.answered(413, 60_100);
    expect(one.latency(60_100)).toBe(100);
  });

  it('gives the place of a probe back when the client leaves', () => {
    const one = condition({ passive: null });
    for (let i = 0; i < 2; i++) attempt(one).failed('reset', 0);
    const probe = attempt(one, 15_000);
    expect(one.available(15_001, false)).toBe(false);
    probe.abandoned(15_002);
    expect(one.available(15_002, false)).toBe(true);
    const next = attempt(one, 15_003);
    next.answered(204, 15_004);
    next.finished(15_004);
    expect(one.breaker!.state).toBe('closed');
  });

  it('gives everything back exactly once, whatever is called and how often', () => {
    const call = fc.constantFrom('answered', 'failed', 'finished', 'abandoned', 'stale');
    fc.assert(
      fc.property(fc.array(call, { maxLength: 8 }), (calls) => {
        const one = condition({ breaker: new Breaker({ ...BREAKER, minimum: 1000 }) });
        const limit = new FixedLimit(10);
        const tried = attempt(one, 0, limit);
        for (const name of calls) {
          if (name === 'answered') tried.answered(200, 1);
          else if (name === 'failed') tried.failed('reset', 1);
          else if (name === 'stale') tried.failed('stale', 1);
          else tried[name](1);
        }
        const over = calls.some((name) => name !== 'answered');
        expect([one.inFlight, limit.inFlight]).toEqual(over ? [0, 0] : [1, 1]);
      }),
    );
  });
});

describe('selectTarget', () => {
  const list = [condition({ id: 'a:80' }), condition({ id: 'b:80' })];
  const fresh = (): Condition[] => [condition({ id: 'a:80' }), condition({ id: 'b:80' })];
  const select = (from: Condition[], allDown: 'fail' | 'try', tried: Condition[] = [], now = 0): unknown =>
    selectTarget(createBalancer('round-robin', from), from, allDown, tried, undefined, now);

  it('prefers what was not tried, and takes what was when nothing else is left', () => {
    expect(select(list, 'fail', [list[0]!])).toBe(list[1]);
    expect(list).toContain(select(list, 'fail', list));
  });

  it('sends to unhealthy targets when told to, and says so when not', () => {
    const from = fresh();
    for (const one of from) one.active!.checked(false, 0);
    expect(select(from, 'fail')).toBe('no_healthy_upstream');
    expect(from).toContain(select(from, 'try'));
    expect(from).toContain(select(from, 'try', from));
  });

  it('prefers a healthy target that was tried to an unhealthy one', () => {
    const from = fresh();
    from[1]!.active!.checked(false, 0);
    expect(select(from, 'try', [from[0]!])).toBe(from[0]);
  });

  it('says that the circuit is open only when every one is, and never passes it over', () => {
    const from = fresh();
    const open = (one: Condition): void => {
      for (let i = 0; i < 2; i++) one.breaker!.report(one.breaker!.begin(0), true, 0);
    };
    open(from[0]!);
    from[1]!.active!.checked(false, 0);
    expect(select(from, 'fail')).toBe('no_healthy_upstream');
    expect(select(from, 'try')).toBe(from[1]);
    open(from[1]!);
    expect([select(from, 'fail'), select(from, 'try')]).toEqual(['circuit_open', 'circuit_open']);
    expect(from).toContain(select(from, 'try', [], 15_000));
  });

  it('finds nobody where there is nobody', () => {
    expect([select([], 'fail'), select([], 'try')]).toEqual(['no_healthy_upstream', 'no_healthy_upstream']);
    expect(select([condition({ weight: 0 })], 'try')).toBe('no_healthy_upstream');
  });
});
