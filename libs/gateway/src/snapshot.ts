import { type LimitsConfig } from '#config';
import { type CidrSet } from '#kernel';
import { type Route } from './route.js';
import { type RouteTable } from './routing/route-table.js';
import { type Upstream } from './upstreams/upstream.js';

/** A compiled configuration. Never changes: a reload makes another, and exchanges under way finish on the one they began with. */
export interface Snapshot {
  readonly version: number;
  readonly hash: string;
  /** Milliseconds since the epoch. */
  readonly loadedAt: number;
  readonly routes: RouteTable<Route>;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly trusted: CidrSet;
  readonly limits: LimitsConfig;
}
