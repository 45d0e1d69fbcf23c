import { describe, expect, it } from '@jest/globals';
import parse from 'parse-prometheus-text-format';
import { RequestRecord } from '../recorder/request-record.js';
import { Registry } from './registry.js';
import { RequestMetrics } from './request-metrics.js';

function recordOf(fields: Partial<RequestRecord>): RequestRecord {
  return Object.assign(new RequestRecord(), { route: 'users', method: 'GET', status: 200, latencyMs: 7 }, fields);
}

function familiesOf(records: readonly RequestRecord[]): Map<string, Pick<ReturnType<typeof parse>[number], 'metrics'>> {
  const metrics = new RequestMetrics();
  metrics.read(records, records.length);
  const registry = new Registry();
  registry.add(...metrics.metrics);
  // The parser throws the series of a histogram together when they have labels: it is asked for its lines instead.
  const families = parse(registry.text().replace(/ histogram$/gm, ' untyped'));
  const names = new Set(families.map(({ name }) => name));
  const linesOf = (wanted: string) => families.filter(({ name }) => name === wanted).flatMap(({ metrics }) => metrics);
  return new Map([...names].map((name) => [name, { metrics: linesOf(name) }]));
}

describe('the metrics of requests', () => {
  it('count by route, method and status class, with retries and refusals', () => {
    const families = familiesOf([
      recordOf({}),
      recordOf({}),
      recordOf({ status: 503, retries: 2 }),
      recordOf({ status: 429, rateLimited: true }),
      recordOf({ route: '', method: 'BREW', status: 404 }),
      recordOf({ status: 0 }),
    ]);
    const counts = families.get('aegis_requests_total')?.metrics.map(({ labels, value }) => [labels, value]);
    expect(counts).toEqual([
      [{ route: 'users', method: 'GET', status: '2xx' }, '2'],
      [{ route: 'users', method: 'GET', status: '5xx' }, '1'],
      [{ route: 'users', method: 'GET', status: '4xx' }, '1'],
      [{ route: '(none)', method: 'other', status: '4xx' }, '1'],
      [{ route: 'users', method: 'GET', status: 'none' }, '1'],
    ]);
    expect(families.get('aegis_retries_total')?.metrics).toMatchObject([{ labels: { route: 'users' }, value: '2' }]);
    expect(families.get('aegis_rate_limited_total')?.metrics).toMatchObject([{ value: '1' }]);
    const buckets = families.get('aegis_request_duration_seconds_bucket')?.metrics ?? [];
    const at = (route: string, le: string): string | undefined =>
      buckets.find(({ labels }) => labels?.['route'] === route && labels['le'] === le)?.value;
    expect([at('users', '0.005'), at('users', '0.01'), at('users', '+Inf'), at('(none)', '+Inf')]).toEqual([
      ...['0', '5', '5', '1'],
    ]);
  });

  it('have no more series for ten thousand paths, hosts, keys and made-up methods than for one', () => {
    const records = Array.from({ length: 10_000 }, (_, index) =>
      recordOf({ path: `/p/${index}`, host: `h${index}`, clientIp: `10.0.0.${index}`, method: `M${index}` }),
    );
    const families = familiesOf(records);
    for (const { metrics } of families.values()) expect(metrics.length).toBeLessThanOrEqual(14);
  });
});
