import { type GuardedRoute } from '#auth';
import { type Exchange } from '#kernel';
import { type RoutableRoute } from './routing/routable-route.js';
import { type RouteCache } from './cache/route-cache.js';
import { type CorsPolicy } from './transform/cors.js';
import { type FieldNames } from './transform/field-names.js';
import { type FixedAnswer } from './transform/fixed-answer.js';
import { type RequestHeaderChanges } from './transform/header-changes.js';
import { type AddressRule } from './transform/ip-rules.js';
import { type ResponseShape } from './transform/response-shape.js';
import { type Rewrite } from './transform/rewrite.js';
import { type WeightedSplit } from './transform/weighted-split.js';
import { type RetryPolicy } from './upstreams/retry-policy.js';
import { type Upstream } from './upstreams/upstream.js';

export interface UpstreamShare {
  readonly upstream: Upstream;
  readonly weight: number;
  readonly retry: RetryPolicy | null;
}

export interface MirrorRoute {
  readonly upstream: Upstream;
  takes(): boolean;
}

/** A route, compiled: everything that a request on it will need, decided when the snapshot was made. Null: nothing to do. */
export interface Route extends GuardedRoute, RoutableRoute {
  readonly admits: AddressRule | null;
  readonly cors: CorsPolicy | null;
  /** Of a route without an upstream. */
  readonly answer: ((exchange: Exchange) => FixedAnswer) | null;
  readonly upstreams: WeightedSplit<UpstreamShare>;
  readonly rewrite: Rewrite;
  readonly rewriteQuery: ((query: string) => string) | null;
  /** Where credentials are that go no further once a caller is known by one. */
  readonly hidesFields: FieldNames | null;
  /** The same and `Authorization`, where this is what stands in it. */
  readonly hidesAuthorization: { readonly where: RegExp; readonly fields: FieldNames } | null;
  readonly hidesParameter: ((query: string) => string) | null;
  readonly requestHeaders: RequestHeaderChanges | null;
  readonly shape: ResponseShape;
  /** For the whole exchange, in milliseconds. */
  readonly timeout: number | null;
  readonly bodyLimit: number;
  /** How long a client may let us wait for its body, all in all, in milliseconds. */
  readonly bodyTime: number;
  readonly websocket: boolean;
  readonly mirror: MirrorRoute | null;
  readonly cache: RouteCache | null;
  /** The cache of the route that a GET for the same URL takes; null: no route has a cache. */
  readonly cacheOfReads: ((exchange: Exchange) => RouteCache | null) | null;
}
