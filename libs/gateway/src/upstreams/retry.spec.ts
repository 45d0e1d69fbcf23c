import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RetryBudget } from './retry-budget.js';
import { RetryPolicy, type RetrySettings, type Tried } from './retry-policy.js';

const SETTINGS: RetrySettings = {
  attempts: 2,
  when: ['connect', 'reset', 'timeout', 502, 503, 504],
  methods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'],
  budget: 0.2,
  backoff: 25,
};

const FAILED: Tried = {
  method: 'GET',
  outcome: 'reset',
  retries: 0,
  body: 'whole',
  responseStarted: false,
  timeLeft: Infinity,
};

function decide(tried: Partial<Tried>, settings: Partial<RetrySettings> = {}, random = 0): number | string {
  return new RetryPolicy({ ...SETTINGS, ...settings }).decide({ ...FAILED, ...tried }, new RetryBudget(), 0, random);
}

describe('RetryPolicy', () => {
  it('retries an idempotent request that failed or was answered with a status of the list', () => {
    for (const outcome of [
      'connect',
      'connect-timeout',
      'stale',
      'reset',
      'protocol',
      'timeout',
      502,
      503,
      504,
    ] as const) {
      expect(decide({ outcome })).toBe(0);
    }
    for (const outcome of [200, 400, 429, 500, 501]) expect(decide({ outcome })).toBe('not asked for');
  });

  it('never sends a POST twice, but sends one that never left', () => {
    for (const outcome of ['stale', 'reset', 'protocol', 'timeout', 502, 503, 504] as const) {
      expect(decide({ method: 'POST', outcome })).toBe('method');
    }
    expect(decide({ method: 'POST', outcome: 'connect' })).toBe(0);
    expect(decide({ method: 'POST', outcome: 'connect-timeout' })).toBe(0);
    expect(decide({ method: 'POST', outcome: 'reset' }, { methods: ['POST'] })).toBe(0);
  });

  it('retries only what it is asked to', () => {
    expect(decide({ outcome: 'timeout' }, { when: ['connect', 503] })).toBe('not asked for');
    expect(decide({ outcome: 'connect-timeout' }, { when: ['timeout'] })).toBe(0);
    expect(decide({ outcome: 'connect' }, { when: ['timeout', 'reset'] })).toBe('not asked for');
    expect(decide({ outcome: 429 }, { when: [429] })).toBe(0);
    expect(decide({ outcome: 'stale' }, { when: ['timeout'] })).toBe('not asked for');
  });

  it('never retries what the client has seen some of, or with a body that is gone', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Tried['outcome']>('connect', 'connect-timeout', 'stale', 'reset', 'protocol', 'timeout', 503),
        fc.constantFrom('GET', 'PUT', 'POST'),
        fc.boolean(),
        (outcome, method, started) => {
          const decision = started
            ? decide({ outcome, method, responseStarted: true })
            : decide({ outcome, method, body: 'consumed' });
          expect(decision).toBe(started ? 'response started' : 'body consumed');
        },
      ),
    );
  });

  it('counts its attempts', () => {
    expect([0, 1, 2, 3].map((retries) => decide({ retries }))).toEqual([0, 0, 'attempts used up', 'attempts used up']);
    expect(decide({}, { attempts: 0 })).toBe('attempts used up');
  });

  it('waits for between nothing and twice as long each time, never more than a second', () => {
    const pauses = (random: number): unknown[] =>
      [0, 1, 2, 5, 19].map((retries) => decide({ retries }, { attempts: 20 }, random));
    expect(pauses(0)).toEqual([0, 0, 0, 0, 0]);
    expect(pauses(0.5)).toEqual([12.5, 25, 50, 400, 500]);
    expect(decide({ retries: 3 }, { attempts: 9, backoff: 5000 }, 0.5)).toBe(2500);
  });

  it('does not begin what there is no time for', () => {
    expect(decide({ timeLeft: 20 }, {}, 0.9)).toBe('no time left');
    expect(decide({ timeLeft: 23 }, {}, 0.9)).toBe(22.5);
    expect(decide({ timeLeft: 0 })).toBe('no time left');
  });

  it('pays for retries that happen, and not for those after a refused connection', () => {
    const policy = new RetryPolicy(SETTINGS);
    const budget = new RetryBudget();
    for (let i = 0; i < 100; i++) expect(policy.decide({ ...FAILED, outcome: 'connect' }, budget, 0, 0)).toBe(0);
    for (let i = 0; i < 100; i++) policy.decide({ ...FAILED, retries: 2 }, budget, 0, 0);
    for (let i = 0; i < 10; i++) expect(policy.decide(FAILED, budget, 0, 0)).toBe(0);
    expect(policy.decide(FAILED, budget, 0, 0)).toBe('budget used up');
    expect(policy.decide({ ...FAILED, outcome: 'connect-timeout' }, budget, 0, 0)).toBe('budget used up');
    expect(policy.decide({ ...FAILED, outcome: 'connect' }, budget, 0, 0)).toBe(0);
  });
});

describe('RetryBudget', () => {
  it('is the share of the requests of ten seconds', () => {
    const budget = new RetryBudget();
    for (let i = 0; i < 1000; i++) budget.request(0);
    let taken = 0;
    while (budget.take(0.2, 0)) taken++;
    expect(taken).toBe(200);
    expect(budget.take(0.3, 0)).toBe(true);
    expect(budget.take(0.2, 9999)).toBe(true);
  });

  it('is never less than ten a second', () => {
    const budget = new RetryBudget();
    let taken = 0;
    for (let now = 0; now < 10_000; now += 10) if (budget.take(0, now)) taken++;
    expect(taken).toBeGreaterThanOrEqual(100);
    expect(taken).toBeLessThanOrEqual(110);
  });

  it('never allows more than the share and ten a second in any ten seconds, and never fewer than ten a second', () => {
    const step = fc.record({ wait: fc.nat(500), requests: fc.nat(20), retries: fc.nat(20) });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 100, size: 'max' }),
        fc.integer({ min: 0, max: 100 }),
        (steps, percent) => {
          const budget = new RetryBudget();
          const requests: number[] = [];
          const retries: number[] = [];
          const since = (times: readonly number[], from: number): number => times.filter((time) => time > from).length;
          let now = 0;
          let wrong = 0;
          for (const { wait, requests: more, retries: wanted } of steps) {
            now += wait;
            for (let i = 0; i < more; i++) {
              budget.request(now);
              requests.push(now);
            }
            for (let i = 0; i < wanted; i++) {
              if (budget.take(percent / 100, now)) retries.push(now);
              else if (since(retries, now - 1000) < 10) wrong++;
            }
            // The buckets forget up to a quarter of a second early.
            const allowed = (percent / 100) * since(requests, now - 19_750) + 110;
            if (since(retries, now - 9750) > allowed) wrong++;
          }
          expect(wrong).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });
});
