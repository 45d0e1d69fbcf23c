import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Conduct, PassiveHealth } from './passive-health.js';

const SETTINGS = { failures: 5, eject: 30_000, maxEjected: 0.5 };

function fail(member: Conduct, now: number, times = SETTINGS.failures): void {
  for (let i = 0; i < times; i++) member.failed(now);
}

function two(): { health: PassiveHealth; bad: Conduct; good: Conduct } {
  const health = new PassiveHealth(SETTINGS);
  return { health, bad: health.join(), good: health.join() };
}

describe('PassiveHealth', () => {
  it('ejects after so many failures in a row, and brings back by time alone', () => {
    const { bad } = two();
    fail(bad, 1000, 4);
    bad.succeeded(1000);
    fail(bad, 1000, 4);
    expect(bad.ejectedUntil).toBe(0);
    bad.failed(1000);
    expect(bad.ejectedUntil).toBe(31_000);
    expect(bad.ejectedAt).toBe(1000);
  });

  it('ignores outcomes that come in while the target is out', () => {
    const { bad } = two();
    fail(bad, 0);
    fail(bad, 29_999, 50);
    bad.succeeded(29_999);
    expect(bad.ejectedUntil).toBe(30_000);
  });

  it('ejects again at the first failure of a target on trial, for twice as long, up to ten times', () => {
    const { bad } = two();
    fail(bad, 0);
    const lengths = [];
    for (let i = 0; i < 6; i++) {
      const back = bad.ejectedUntil;
      bad.failed(back);
      lengths.push((bad.ejectedUntil - back) / SETTINGS.eject);
    }
    expect(lengths).toEqual([2, 4, 8, 10, 10, 10]);
  });

  it('ends the trial with a success', () => {
    const { bad } = two();
    fail(bad, 0);
    bad.succeeded(30_000);
    fail(bad, 30_001, 4);
    expect(bad.ejectedUntil).toBe(30_000);
  });

  it('ends the trial after as long as the target was out', () => {
    const { bad } = two();
    fail(bad, 0);
    bad.failed(60_000);
    expect(bad.ejectedUntil).toBe(30_000);
  });

  it('lets one request a second to a target on trial, until one succeeds', () => {
    const { bad } = two();
    fail(bad, 0);
    expect([bad.admits(29_999), bad.admits(30_000)]).toEqual([false, true]);
    bad.begin(30_000);
    expect([bad.admits(30_000), bad.admits(30_999), bad.admits(31_000)]).toEqual([false, false, true]);
    bad.begin(31_000);
    bad.succeeded(31_500);
    bad.begin(31_500);
    expect(bad.admits(31_500)).toBe(true);
  });

  it('lets everything to a target whose trial ended without an outcome', () => {
    const { bad } = two();
    fail(bad, 0);
    bad.begin(59_900);
    expect([bad.admits(59_999), bad.admits(60_000)]).toEqual([false, true]);
    bad.begin(60_000);
    expect(bad.admits(60_000)).toBe(true);
  });

  it('takes back one doubling for each stretch of good conduct', () => {
    const { bad } = two();
    fail(bad, 0);
    bad.failed(30_000);
    expect(bad.ejectedUntil).toBe(90_000);
    bad.succeeded(90_000);
    fail(bad, 90_000 + 3 * 60_000);
    expect(bad.ejectedUntil - (90_000 + 3 * 60_000)).toBe(30_000);
  });

  it('never ejects a lone target', () => {
    const lone = new PassiveHealth(SETTINGS).join();
    fail(lone, 0, 1000);
    expect(lone.ejectedUntil).toBe(0);
  });

  it('ejects a target that went on failing as soon as another is back', () => {
    const { bad, good } = two();
    fail(bad, 0);
    fail(good, 10, 8);
    expect(good.ejectedUntil).toBe(0);
    good.failed(30_000);
    expect(good.ejectedUntil).toBe(60_000);
  });

  it('brings the ones that would be first back when too few targets are left', () => {
    const health = new PassiveHealth(SETTINGS);
    const members = Array.from({ length: 4 }, () => health.join());
    fail(members[0]!, 100);
    fail(members[1]!, 200);
    health.leave(members[2]!, 300);
    expect(members.map(({ ejectedUntil }) => ejectedUntil > 300)).toEqual([false, true, false, false]);
    fail(members[0]!, 400, 4);
    expect(members[0]!.ejectedUntil).toBe(300);
  });

  it('reads 29 % of a hundred as 29', () => {
    const health = new PassiveHealth({ ...SETTINGS, failures: 1, maxEjected: 0.29 });
    const members = Array.from({ length: 100 }, () => health.join());
    for (const member of members) member.failed(0);
    expect(members.filter(({ ejectedUntil }) => ejectedUntil > 0)).toHaveLength(29);
  });

  it('tells when a target is out and, with the first outcome after that, that it is back', () => {
    const health = new PassiveHealth(SETTINGS);
    const seen: string[] = [];
    const bad = health.join((ejected, now) => seen.push(`${ejected} ${now}`));
    health.join();
    fail(bad, 0);
    bad.succeeded(10);
    bad.succeeded(30_005);
    bad.succeeded(30_006);
    expect(seen).toEqual(['true 0', 'false 30005']);
  });

  it('never has more out than allowed, whoever fails, comes or goes, and everyone comes back', () => {
    const step = fc.record({
      wait: fc.nat(20_000),
      act: fc.constantFrom('fail', 'fail', 'fail', 'succeed', 'join', 'leave'),
      pick: fc.nat(),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120, size: 'max' }),
        fc.integer({ min: 0, max: 100 }),
        (steps, percent) => {
          const health = new PassiveHealth({ failures: 2, eject: 30_000, maxEjected: percent / 100 });
          const members = Array.from({ length: 3 }, () => health.join());
          let now = 0;
          let wrong = 0;
          for (const { wait, act, pick } of steps) {
            now += wait;
            const one = members[pick % Math.max(1, members.length)];
            if (act === 'join') members.push(health.join());
            else if (one === undefined) continue;
            else if (act === 'fail') one.failed(now);
            else if (act === 'succeed') one.succeeded(now);
            else {
              members.splice(members.indexOf(one), 1);
              health.leave(one, now);
            }
            const out = members.filter(({ ejectedUntil }) => ejectedUntil > now).length;
            if (out > Math.floor((percent * members.length) / 100)) wrong++;
            if (members.some(({ ejectedUntil }) => ejectedUntil - now > 300_000)) wrong++;
          }
          expect(wrong).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
