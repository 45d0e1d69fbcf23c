import { type Exchange, type RouteInfo } from '#kernel';
import { type RoutableRoute } from './routing/routable-route.js';
import { type Upstream } from './upstreams/upstream.js';

/** A route, compiled: everything that a request on it will need, decided when the snapshot was made. */
export interface Route extends RouteInfo, RoutableRoute {
  chooseUpstream(): Upstream;
  rewritePath(exchange: Exchange): string;
  /** The `Host` that the upstream sees; null: the client's or the target's. */
  readonly host: string | null;
  readonly preserveHost: boolean;
  readonly strippedPrefix: string;
  /** For the whole exchange, in milliseconds. */
  readonly timeout: number | null;
  readonly bodyLimit: number;
  /** How long a client may let us wait for its body, all in all, in milliseconds. */
  readonly bodyTime: number;
  readonly websocket: boolean;
}
