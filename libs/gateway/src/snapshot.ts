import { type AccessPolicy } from '#auth';
import { type LimitsConfig } from '#config';
import { type RuleSet } from '#rate-limit';
import { type Route } from './route.js';
import { type RouteTable } from './routing/route-table.js';
import { type CorsPolicy } from './transform/cors.js';
import { type AddressRule } from './transform/ip-rules.js';
import { type ResponseShape } from './transform/response-shape.js';
import { type Upstream } from './upstreams/upstream.js';

/** A compiled configuration. Never changes: a reload makes another, and exchanges under way finish on the one they began with. */
export interface Snapshot {
  readonly version: number;
  readonly hash: string;
  /** Milliseconds since the epoch. */
  readonly loadedAt: number;
  readonly routes: RouteTable<Route>;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** Whether an address is a proxy whose `X-Forwarded-*` are believed. */
  readonly trusts: (address: string) => boolean;
  readonly admits: AddressRule | null;
  readonly cors: CorsPolicy | null;
  /** Of answers where no route was found. */
  readonly shape: ResponseShape;
  readonly limits: LimitsConfig;
  readonly rules: RuleSet;
  readonly access: AccessPolicy;
}
