import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import parse from 'parse-prometheus-text-format';
import { processMetrics } from './process-metrics.js';
import { Counter, Histogram, observed, Registry } from './registry.js';

/** The parser throws the series of a histogram together when they have labels: it is asked for its lines instead. */
function familiesOf(registry: Registry): Map<string, ReturnType<typeof parse>[number]> {
  const text = registry.text().replace(/ histogram$/gm, ' untyped');
  return new Map(parse(text).map((family) => [family.name, family]));
}

describe('the text for Prometheus', () => {
  it('is read by an independent parser as what was counted, whatever the labels hold', () => {
    const label = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\r'));
    fc.assert(
      fc.property(fc.array(fc.tuple(label, fc.nat({ max: 1000 })), { minLength: 1, maxLength: 20 }), (counts) => {
        const registry = new Registry();
        const counter = new Counter('things_total', 'Things.\nAnd \\ more.');
        const sums = new Map<string, number>();
        for (const [what, by] of counts) {
          counter.add({ what }, by);
          sums.set(what, (sums.get(what) ?? 0) + by);
        }
        registry.add(counter);
        const read = familiesOf(registry).get('things_total');
        expect(read?.type).toBe('COUNTER');
        expect(new Map(read?.metrics.map(({ labels, value }) => [labels?.['what'], Number(value)]))).toEqual(sums);
      }),
      { numRuns: 200 },
    );
  });

  it('has the buckets of a histogram one in the other, with sum and count', () => {
    const bounds = [0.1, 1, 10];
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 1, maxLength: 50 }), (values) => {
        const registry = new Registry();
        const histogram = new Histogram('took_seconds', 'Time.', bounds);
        for (const value of values) histogram.observe('route', 'a', value);
        registry.add(histogram);
        const families = familiesOf(registry);
        const linesOf = (suffix: string) => families.get(`took_seconds${suffix}`)?.metrics ?? [];
        expect(linesOf('_bucket').map(({ labels, value }) => [labels, Number(value)])).toEqual(
          [...bounds, Infinity].map((bound) => [
            { route: 'a', le: bound === Infinity ? '+Inf' : String(bound) },
            values.filter((value) => value <= bound).length,
          ]),
        );
        expect(linesOf('_count')).toEqual([{ labels: { route: 'a' }, value: String(values.length) }]);
        expect(Number(linesOf('_sum')[0]?.value)).toBeCloseTo(
          values.reduce((sum, value) => sum + value, 0),
          6,
        );
      }),
    );
  });

  it('looks up what others know when it is asked', () => {
    let now = 1;
    const registry = new Registry();
    registry.add(observed('gauge', 'level', 'Now.', () => [[{}, now]]));
    expect(registry.text()).toBe('# HELP level Now.\n# TYPE level gauge\nlevel 1\n');
    now = Infinity;
    expect(registry.text()).toContain('level +Inf\n');
  });

  it('tells what the process takes', () => {
    const registry = new Registry();
    registry.add(...processMetrics());
    const families = familiesOf(registry);
    expect(Number(families.get('process_resident_memory_bytes')?.metrics[0]?.value)).toBeGreaterThan(1e6);
    expect(Number(families.get('process_cpu_seconds_total')?.metrics[0]?.value)).toBeGreaterThan(0);
  });
});
