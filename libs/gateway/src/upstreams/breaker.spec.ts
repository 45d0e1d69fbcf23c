import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Breaker, type BreakerSettings } from './breaker.js';

const SETTINGS: BreakerSettings = { failures: 0.5, minimum: 10, window: 10_000, open: 15_000, probes: 1 };

function call(breaker: Breaker, failed: boolean, now: number): void {
  breaker.report(breaker.begin(now), failed, now);
}

function opened(settings: Partial<BreakerSettings> = {}, at = 0): Breaker {
  const breaker = new Breaker({ ...SETTINGS, ...settings });
  for (let i = 0; i < SETTINGS.minimum; i++) call(breaker, true, at);
  expect(breaker.state).toBe('open');
  return breaker;
}

describe('Breaker', () => {
  it('opens at the share of failures once there were enough calls', () => {
    const breaker = new Breaker(SETTINGS);
    for (let i = 0; i < 5; i++) call(breaker, false, 0);
    for (let i = 0; i < 4; i++) call(breaker, true, 0);
    expect(breaker.state).toBe('closed');
    call(breaker, true, 0);
    expect(breaker.state).toBe('open');
    expect(breaker.admits(14_999)).toBe(false);
  });

  it('stays closed below the share', () => {
    const breaker = new Breaker(SETTINGS);
    for (let i = 0; i < 1000; i++) {
      call(breaker, i % 5 > 2, i * 10);
      expect(breaker.admits(i * 10)).toBe(true);
    }
  });

  it('forgets what is older than the window', () => {
    const breaker = new Breaker(SETTINGS);
    for (let i = 0; i < 9; i++) call(breaker, true, 0);
    call(breaker, true, 10_000);
    expect(breaker.state).toBe('closed');
  });

  it('forgets little by little, not all at once', () => {
    const breaker = new Breaker(SETTINGS);
    for (let i = 0; i < 5; i++) call(breaker, true, 1000);
    for (let i = 0; i < 4; i++) call(breaker, true, 8000);
    call(breaker, true, 10_900);
    expect(breaker.state).toBe('open');
  });

  it('lets one probe through after its time, and closes when that succeeds', () => {
    const breaker = opened();
    expect(breaker.begin(14_999)).toBe(-1);
    expect(breaker.admits(15_000)).toBe(true);
    const probe = breaker.begin(15_000);
    expect(breaker.state).toBe('half-open');
    expect(breaker.admits(15_001)).toBe(false);
    breaker.report(probe, false, 15_100);
    expect(breaker.state).toBe('closed');
    expect(breaker.admits(15_100)).toBe(true);
  });

  it('opens again for the whole time when a probe fails', () => {
    const breaker = opened();
    breaker.report(breaker.begin(15_000), true, 16_000);
    expect(breaker.state).toBe('open');
    expect(breaker.admits(30_999)).toBe(false);
    expect(breaker.admits(31_000)).toBe(true);
  });

  it('begins with a clean sheet after it closed', () => {
    const breaker = opened({ open: 100 });
    breaker.report(breaker.begin(100), false, 100);
    for (let i = 0; i < 9; i++) call(breaker, true, 200);
    expect(breaker.state).toBe('closed');
    const other = opened({ open: 100 });
    other.report(other.begin(100), false, 100);
    for (let i = 0; i < 30; i++) call(other, i % 3 === 2, 200);
    expect(other.state).toBe('closed');
  });

  it('is not moved by late outcomes of calls from before it opened', () => {
    const breaker = new Breaker(SETTINGS);
    const late = Array.from({ length: 5 }, () => breaker.begin(0));
    for (let i = 0; i < 10; i++) call(breaker, true, 0);
    breaker.report(late[0]!, false, 100);
    expect(breaker.state).toBe('open');
    const probe = breaker.begin(15_000);
    breaker.report(late[1]!, false, 15_001);
    breaker.report(late[2]!, true, 15_001);
    breaker.release(late[3]!);
    expect(breaker.state).toBe('half-open');
    expect(breaker.admits(15_002)).toBe(false);
    breaker.report(probe, false, 15_003);
    for (let i = 0; i < 9; i++) call(breaker, true, 15_004);
    breaker.report(late[4]!, true, 15_004);
    expect(breaker.state).toBe('closed');
  });

  it('gives the place of a probe that said nothing to another at once', () => {
    const breaker = opened();
    breaker.release(breaker.begin(15_000));
    expect(breaker.admits(15_000)).toBe(true);
  });

  it('is not wedged by probes that never report', () => {
    const breaker = opened({ probes: 2 });
    breaker.begin(15_000);
    breaker.begin(15_000);
    expect(breaker.admits(29_999)).toBe(false);
    expect(breaker.admits(30_000)).toBe(true);
    breaker.report(breaker.begin(30_000), false, 30_001);
    expect(breaker.state).toBe('closed');
  });

  it('lets a probe that takes longer than its place is held still close it', () => {
    const breaker = opened();
    const slow = breaker.begin(15_000);
    breaker.begin(30_000);
    breaker.report(slow, false, 40_000);
    expect(breaker.state).toBe('closed');
  });

  it('does not take back the place of a new probe when an old silent one is released', () => {
    const breaker = opened();
    const silent = breaker.begin(15_000);
    breaker.begin(30_000);
    breaker.release(silent);
    expect(breaker.admits(30_001)).toBe(false);
  });

  it('tells each change of state, with its time', () => {
    const seen: string[] = [];
    const breaker = new Breaker({ ...SETTINGS, minimum: 1 }, (state, now) => seen.push(`${state} ${now}`));
    expect(breaker.changedAt).toBe(-Infinity);
    call(breaker, true, 5);
    breaker.report(breaker.begin(20_000), true, 20_001);
    breaker.report(breaker.begin(40_000), false, 40_001);
    expect(seen).toEqual(['open 5', 'half-open 20000', 'open 20001', 'half-open 40000', 'closed 40001']);
    expect(breaker.changedAt).toBe(40_001);
  });

  it('never has more probes under way than allowed, and always lets some through again', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 400 }),
      act: fc.constantFrom('begin', 'begin', 'begin', 'good', 'bad', 'release'),
      pick: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), fc.integer({ min: 1, max: 4 }), (steps, probes) => {
        const open = 500;
        const breaker = new Breaker({ failures: 0.5, minimum: 4, window: 1000, open, probes });
        let now = 0;
        let wrong = 0;
        let under: { ticket: number; at: number; halfOpen: boolean }[] = [];
        for (const { wait, act, pick } of steps) {
          now += wait;
          if (act === 'begin') {
            if (breaker.admits(now)) {
              const ticket = breaker.begin(now);
              under.push({ ticket, at: now, halfOpen: breaker.state === 'half-open' });
              if (ticket < 0) wrong++;
            } else if (breaker.begin(now) !== -1) wrong++;
          } else if (under.length > 0) {
            const [one] = under.splice(pick % under.length, 1);
            if (act === 'release') breaker.release(one!.ticket);
            else breaker.report(one!.ticket, act === 'bad', now);
          }
          if (breaker.state !== 'half-open') under = under.map((other) => ({ ...other, halfOpen: false }));
          else {
            const held = under.filter(({ halfOpen, at }) => halfOpen && at > now - open);
            if (held.length > probes) wrong++;
          }
        }
        expect(wrong).toBe(0);
        expect(breaker.admits(now + open)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('never opens with fewer calls or a smaller share of failures than asked for', () => {
    const calls = fc.array(fc.record({ failed: fc.boolean(), wait: fc.nat(300) }), { maxLength: 100, size: 'max' });
    fc.assert(
      fc.property(
        calls,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 100 }),
        (list, minimum, percent) => {
          const breaker = new Breaker({ ...SETTINGS, window: 1000, minimum, failures: percent / 100 });
          const past: { failed: boolean; at: number }[] = [];
          let now = 0;
          let wrong = 0;
          for (const { failed, wait } of list) {
            now += wait;
            past.push({ failed, at: now });
            call(breaker, failed, now);
            // Whole buckets of 100 ms are counted: the window is the current one and the nine before it.
            const window = past.filter(({ at }) => Math.floor(at / 100) > Math.floor(now / 100) - 10);
            const bad = window.filter((one) => one.failed).length;
            const reached = failed && window.length >= minimum && bad >= (percent / 100) * window.length;
            if ((breaker.state === 'open') !== reached) wrong++;
            if (breaker.state === 'open') break;
          }
          expect(wrong).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});
