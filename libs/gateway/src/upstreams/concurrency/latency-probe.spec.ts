import { describe, expect, it } from '@jest/globals';
import { LatencyProbe } from './latency-probe.js';

/** A probe that knows the latency without a queue: 10 ms, measured at time 0. */
function settled(): LatencyProbe {
  const probe = new LatencyProbe();
  send(probe, 32, 0);
  answer(probe, 32, 0, 10);
  expect(probe.isOver(10)).toBe(true);
  expect(probe.end(0, 10)).toBe(10);
  expect(probe.running).toBe(false);
  return probe;
}

function send(probe: LatencyProbe, count: number, now: number, inFlight = 1): void {
  for (let i = 0; i < count; i++) probe.sent(inFlight, now);
}

function answer(probe: LatencyProbe, count: number, startedAt: number, latency: number): void {
  for (let i = 0; i < count; i++) probe.answered(startedAt, latency, true);
}

describe('LatencyProbe', () => {
  it('first measures the first requests there are, with nothing held back', () => {
    const probe = new LatencyProbe();
    expect([probe.running, probe.allowed]).toEqual([true, Infinity]);
    send(probe, 32, 0, 500);
    send(probe, 100, 1, 600);
    answer(probe, 31, 0, 20);
    answer(probe, 100, 1, 900);
    expect(probe.isOver(50)).toBe(true);
    // One has not been answered after 50 ms: it counts as that.
    expect(probe.end(0, 50)).toBe((31 * 20 + 50) / 32);
  });

  it('waits until no more than a third of the limit is in flight, and measures what is sent then', () => {
    const probe = settled();
    probe.begin(90, 30, 1, 100);
    expect(probe.allowed).toBe(30);
    send(probe, 10, 110, 31);
    answer(probe, 10, 110, 90);
    send(probe, 60, 120, 30);
    answer(probe, 20, 100, 90);
    expect(probe.isOver(300)).toBe(false);
    answer(probe, 60, 120, 15);
    expect(probe.isOver(300)).toBe(true);
    expect(probe.end(10, 300)).toBe(15);
  });

  it('goes on with a third of that while as much gets done as before', () => {
    const probe = settled();
    probe.begin(90, 30, 0.2, 100);
    send(probe, 60, 200);
    answer(probe, 60, 200, 20);
    expect(probe.isOver(400)).toBe(false);
    expect([probe.running, probe.allowed]).toEqual([true, 10]);
    send(probe, 20, 500);
    answer(probe, 20, 500, 5);
    expect(probe.isOver(700)).toBe(true);
    expect(probe.end(10, 700)).toBe(5);
  });

  it('never holds back more than to one at a time', () => {
    const probe = settled();
    probe.begin(4, 30, 0, 100);
    expect(probe.allowed).toBe(1);
    send(probe, 12, 200);
    answer(probe, 12, 200, 20);
    expect(probe.isOver(400)).toBe(true);
  });

  it('averages results that chance can explain, and believes others', () => {
    const near = settled();
    near.begin(90, 30, 1, 100);
    send(near, 60, 200);
    answer(near, 60, 200, 12);
    expect(near.end(10, 300)).toBeCloseTo(10.6);
    const scattered = settled();
    scattered.begin(90, 30, 1, 100);
    send(scattered, 60, 200);
    answer(scattered, 58, 200, 1);
    answer(scattered, 2, 200, 500);
    expect(scattered.end(10, 800)).toBeCloseTo(10 + 0.3 * (1058 / 60 - 10));
  });

  it('changes nothing with too few answers, and does not wait for them for ever', () => {
    const probe = settled();
    probe.begin(90, 30, 1, 100);
    send(probe, 60, 200);
    answer(probe, 2, 200, 500);
    expect(probe.isOver(699)).toBe(false);
    expect(probe.isOver(700)).toBe(true);
    expect(probe.end(10, 700)).toBe(10);
  });

  it('does not wait for requests of which nothing will be known', () => {
    const probe = settled();
    probe.begin(90, 30, 1, 100);
    send(probe, 60, 200);
    for (let i = 0; i < 40; i++) probe.lost(200);
    answer(probe, 20, 200, 20);
    expect(probe.isOver(300)).toBe(true);
    expect(probe.end(10, 300)).toBe(20);
  });

  it('begins its first measurement again when nothing became known', () => {
    const probe = new LatencyProbe();
    send(probe, 32, 0);
    for (let i = 0; i < 32; i++) probe.lost(0);
    expect(probe.isOver(10)).toBe(true);
    expect([probe.end(0, 10), probe.running]).toEqual([0, true]);
  });

  it('is due again soon after a doubtful result, later after a surprise, and long after any other', () => {
    const dueAfter = (throughput: number, latency: number): number => {
      const probe = settled();
      probe.begin(6, 30, throughput, 100);
      send(probe, 12, 200);
      answer(probe, 12, 200, latency);
      probe.end(10, 300);
      for (let now = 300; ; now += 10) if (probe.due(now, false)) return now - 300;
    };
    expect(dueAfter(0, 10)).toBeLessThan(200);
    expect(dueAfter(9, 30)).toBe(7500);
    expect(dueAfter(9, 11)).toBe(30_000);
    expect(settled().due(0, true)).toBe(true);
  });
});
