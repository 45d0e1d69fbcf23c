import { type Http1Pool } from '../forward/http1/pool.js';

/** One address of an upstream, with its own connections. */
export interface Target {
  /** `upstream/host:port`, as it is recorded. */
  readonly name: string;
  readonly url: URL;
  readonly weight: number;
  readonly pool: Http1Pool;
}
