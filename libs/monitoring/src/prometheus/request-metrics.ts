import { type RecordReader } from '../recorder/recorder.js';
import { type RequestRecord } from '../recorder/request-record.js';
import { Counter, Histogram, type Metric } from './registry.js';

/** Seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** What no route took. */
const NO_ROUTE = '(none)';

/**
 * Requests and their latency, counted from the records of finished exchanges: the request path does nothing for it. Labels
 * are names from the configuration and a handful of words, so that nobody outside can make a series.
 */
export class RequestMetrics implements RecordReader {
  private readonly requests = new Counter(
    'aegis_requests_total',
    'Proxied requests, by route, method and status class.',
  );
  private readonly retries = new Counter('aegis_retries_total', 'Further tries at upstreams, by route.');
  private readonly refused = new Counter('aegis_rate_limited_total', 'Requests that a limit refused, by route.');
  private readonly latency = new Histogram(
    'aegis_request_duration_seconds',
    'From the first byte of a request to the last of its answer, by route.',
    BOUNDS,
  );

  get metrics(): readonly Metric[] {
    return [this.requests, this.latency, this.retries, this.refused];
  }

  read(records: readonly RequestRecord[], count: number): void {
    for (let at = 0; at < count; at++) {
      const record = records[at];
      if (record === undefined) continue;
      const route = record.route === '' ? NO_ROUTE : record.route;
      const method = METHODS.has(record.method) ? record.method : 'other';
      this.requests.add({ route, method, status: classOf(record.status) });
      this.latency.observe('route', route, record.latencyMs / 1000);
      if (record.retries > 0) this.retries.add({ route }, record.retries);
      if (record.rateLimited) this.refused.add({ route });
    }
  }
}

function classOf(status: number): string {
  return status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : 'none';
}
