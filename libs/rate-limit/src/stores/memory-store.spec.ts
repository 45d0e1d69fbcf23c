import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock, limitRule } from '#testing';
import { type Rule } from '../rules/rule.js';
import { compileRule } from '../rules/rule-set.js';
import { Check } from './check.js';
import { MemoryStore } from './memory-store.js';

const MB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function ask(store: MemoryStore, rule: Rule, key: string, cost = 1): Check {
  const check = new Check(rule, key, cost, cost);
  store.check([check]);
  return check;
}

describe('the memory store', () => {
  it('keeps 5 million keys of an hour under 64 MB', () => {
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    const rule = compileRule(limitRule({ limit: 100, window: 3_600_000 }), 0);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    for (let index = 0; index < 5_000_000; index++) {
      clock.advance(0.72);
      store.check([new Check(rule, `ip=10.${index >>> 16}.${(index >>> 8) & 255}.${index & 255}`, 1, 1)]);
      if (index % 1000 === 0) most = Math.max(most, store.usage.bytes);
    }
    collectGarbage();
    expect(most).toBeLessThanOrEqual(64 * MB);
    expect(store.usage.keys).toBeGreaterThan(100_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * MB);
  }, 240_000);

  it('forgets a key only when its state is as good as fresh, while there is room', () => {
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    const rule = compileRule(limitRule({ algorithm: 'fixed-window', limit: 1, window: 60_000 }), 0);
    ask(store, rule, 'ip=192.0.2.1');
    for (let second = 0; second < 59; second++) {
      clock.advance(1000);
      ask(store, rule, `ip=10.0.0.${second}`);
      expect(ask(store, rule, 'ip=192.0.2.1').allowed).toBe(false);
    }
    clock.advance(121_000);
    ask(store, rule, 'ip=192.0.2.2');
    expect(store.usage.keys).toBe(1);
  });

  it('forgets the keys of rules that nobody asks about any more', () => {
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    const [gone, here] = ['gone', 'here'].map((name) => compileRule(limitRule({ name, window: 1000 }), 0));
    ask(store, gone!, 'ip=192.0.2.1');
    for (let second = 0; second < 4; second++) {
      clock.advance(1000);
      ask(store, here!, 'ip=192.0.2.1');
    }
    expect(store.usage.keys).toBe(1);
  });

  it('stays within its bytes whatever is asked, and knows how many they are', () => {
    const request = fc.record({
      rule: fc.nat({ max: 3 }),
      key: fc.nat({ max: 400 }),
      cost: fc.integer({ min: 1, max: 3 }),
      gap: fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 20 }) }, { weight: 1, arbitrary: fc.nat({ max: 200_000 }) }),
      after: fc.boolean(),
    });
    const rules = (['token-bucket', 'sliding-window', 'fixed-window', 'sliding-window'] as const).map((algorithm, at) =>
      compileRule(limitRule({ name: `rule-${at}`, algorithm, limit: 50, window: 20_000 * (at + 1) }), at),
    );
    fc.assert(
      fc.property(fc.array(request, { maxLength: 400 }), (requests) => {
        const clock = new FakeClock();
        const store = new MemoryStore(clock, 20_000);
        for (const { rule, key, cost, gap, after } of requests) {
          clock.advance(gap);
          const check = ask(store, rules[rule]!, `ip=${key}`, cost);
          if (after) store.charge(check, cost);
          expect(store.usage.bytes).toBeLessThanOrEqual(20_000);
          expect(store.usage.bytes >= store.usage.keys * 220).toBe(true);
        }
        clock.advance(10_000_000);
        ask(store, rules[0]!, 'ip=last');
        expect(store.usage.keys).toBe(1);
        expect(store.usage.bytes).toBe(220 + 'ip=last'.length);
      }),
      { numRuns: 60 },
    );
  });

  it('under a flood of new keys gives up those that were idle longest', () => {
    const clock = new FakeClock();
    const store = new MemoryStore(clock, MB);
    const rule = compileRule(limitRule({ limit: 1, window: 3_600_000 }), 0);
    ask(store, rule, 'ip=idle');
    ask(store, rule, 'ip=busy');
    for (let index = 0; index < 20_000; index++) {
      ask(store, rule, `ip=${index}`);
      if (index % 1000 === 0) expect(ask(store, rule, 'ip=busy').allowed).toBe(false);
    }
    expect(ask(store, rule, 'ip=idle').allowed).toBe(true);
  });

  it('charges all rules of a request or none', () => {
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    const [wide, narrow] = [5, 2].map((limit) => compileRule(limitRule({ name: `limit-${limit}`, limit }), 0));
    const request = (): Check[] => [new Check(wide!, 'ip=192.0.2.1', 1, 1), new Check(narrow!, 'ip=192.0.2.1', 1, 1)];
    expect([store.check(request()), store.check(request())]).toEqual(['admitted', 'admitted']);
    for (let index = 0; index < 10; index++) expect(store.check(request())).toBe('refused');
    expect(ask(store, wide!, 'ip=192.0.2.1').remaining).toBe(2);
  });

  it('counts a rule in shadow, reports what it would refuse, and refuses nothing', () => {
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    const shadow = compileRule(limitRule({ name: 'shadow', limit: 1, mode: 'shadow' }), 0);
    const enforced = compileRule(limitRule({ name: 'enforced', limit: 3 }), 1);
    const seen = Array.from({ length: 4 }, () => {
      const checks = [new Check(shadow, 'ip=192.0.2.1', 1, 1), new Check(enforced, 'ip=192.0.2.1', 1, 1)];
      return [store.check(checks), ...checks.map(({ allowed }) => allowed)];
    });
    expect(seen).toEqual([
      ['admitted', true, true],
      ['admitted', false, true],
      ['admitted', false, true],
      ['refused', false, false],
    ]);
  });

  it('keeps what was counted when a new configuration changes the limit, and starts afresh when it counts otherwise', () => {
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    ask(store, compileRule(limitRule({ limit: 10 }), 0), 'ip=192.0.2.1', 8);
    expect(ask(store, compileRule(limitRule({ limit: 20 }), 0), 'ip=192.0.2.1').remaining).toBe(11);
    expect(
      ask(store, compileRule(limitRule({ limit: 20, algorithm: 'fixed-window' }), 0), 'ip=192.0.2.1').remaining,
    ).toBe(19);
    expect(store.usage).toEqual({ keys: 1, bytes: 220 + 'ip=192.0.2.1'.length });
  });

  it('remembers what was charged afterwards until it is paid', () => {
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    const rule = compileRule(limitRule({ limit: 10, window: 10_000 }), 0);
    store.charge(ask(store, rule, 'ip=192.0.2.1'), 99);
    for (let second = 0; second < 90; second++) {
      expect(ask(store, rule, 'ip=192.0.2.1').allowed).toBe(false);
      expect(ask(store, rule, 'ip=192.0.2.2').allowed).toBe(true);
      clock.advance(1000);
    }
    clock.advance(1000);
    expect(ask(store, rule, 'ip=192.0.2.1').allowed).toBe(true);
  });
});
