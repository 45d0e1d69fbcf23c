import { type Exchange } from '#kernel';
import { type ResponseHead } from '../forward/http1/response-head.js';
import { type Interest, type ResponseTap } from '../forward/response-tap.js';
import { fieldOf } from './fields.js';
import { cacheKey } from './key.js';
import { type RouteCache } from './route-cache.js';
import { type Visit } from './visit.js';

/** Sees the answer to a request that may have changed something: what is stored of it is not used again (RFC 9111, 4.4). */
export class InvalidatingTap implements ResponseTap {
  readonly conditions = null;

  constructor(
    private readonly exchange: Exchange,
    /** Of the route that reads what this request changes. */
    private readonly cache: RouteCache,
    private readonly invalidate: (key: string) => void,
    /** Says in the answer what became of it; null: its own route has no cache. */
    private readonly visit: Visit | null,
  ) {}

  head({ status, headers }: ResponseHead): boolean {
    this.visit?.report({ fwd: 'method', fwdStatus: status });
    if (status < 200 || status >= 400) return false;
    this.invalidate(cacheKey(this.exchange, this.cache));
    for (const name of ['location', 'content-location']) {
      const named = this.keyOf(fieldOf(headers, name));
      if (named !== null) this.invalidate(named);
    }
    return false;
  }

  /** Of what a field names, if it is on the same host: nobody can throw out what is others'. */
  private keyOf(reference: string | null): string | null {
    if (reference === null) return null;
    const { exchange, cache } = this;
    const { host, path } = exchange;
    try {
      const url = new URL(reference, `http://${host}${path}`);
      return url.host === host.toLowerCase() ? cacheKey(exchange, cache, url.pathname, url.search) : null;
    } catch {
      return null;
    }
  }

  data(): Interest {
    return 'none';
  }
  complete(): void {
    // The head has said all.
  }
  failed(): boolean {
    return false;
  }
  left(): void {
    // Nobody waits.
  }
}
