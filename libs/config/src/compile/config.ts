import { type DeclaredAuth, type DeclaredJwt, type JwtAlgorithm } from '../model/auth.js';
import { type AuthRequirement } from '../model/auth-requirement.js';
import { type DeclaredCors } from '../model/edges.js';
import { type DeclaredRule } from '../model/rate-limiting.js';
import { type Declared } from '../model/root.js';
import { type DeclaredMirror, type DeclaredRoute, type DeclaredShare } from '../model/route.js';
import { type DeclaredUpstream, type RetryConfig } from '../model/upstream.js';

/** `credentials` is settled: never true together with the origin `*`. */
export interface CorsConfig extends Omit<DeclaredCors, 'credentials'> {
  readonly credentials: boolean;
}

export interface UpstreamConfig extends Omit<DeclaredUpstream, 'concurrency' | 'hashOn'> {
  /** null: unlimited. */
  readonly concurrency: number | 'adaptive' | null;
  /** Set exactly when `balance` is `hash`. */
  readonly hashOn: NonNullable<DeclaredUpstream['hashOn']> | null;
  /** It was not declared: a route names the URL of its only target. */
  readonly implicit: boolean;
}

export interface UpstreamShare extends DeclaredShare {
  /** The upstream's, with what the route says about it; null: none. */
  readonly retry: RetryConfig | null;
}

/** A route with everything merged that it takes over from the gateway, its upstreams and `auth.default`. */
export interface RouteConfig extends Omit<
  DeclaredRoute,
  'name' | 'upstream' | 'mirror' | 'timeout' | 'retry' | 'cors' | 'limits' | 'auth' | 'identity' | 'rateLimit'
> {
  readonly name: string;
  /** Not empty exactly when there is neither `redirect` nor `respond`. */
  readonly upstreams: readonly UpstreamShare[];
  readonly mirror: DeclaredMirror | null;
  /** Milliseconds; null: only the upstream's timeouts hold. */
  readonly timeout: number | null;
  readonly cors: CorsConfig | null;
  /** Bytes; null: any size. */
  readonly limits: { readonly body: number | null };
  readonly auth: AuthRequirement;
  /** null: upstreams are told nothing that is signed. */
  readonly identity: { readonly audience: string | null } | null;
  /** null: `rateLimiting.default` applies where no rule matches; empty: nothing in its place. */
  readonly rateLimit: readonly RateLimitRule[] | null;
}

/** `burst` is only set for token buckets. */
export interface RateLimitRule extends Omit<DeclaredRule, 'name' | 'window'> {
  readonly name: string;
  /** Milliseconds; the longest that `period` can be, where there is one. */
  readonly window: number;
  /** It counts by this part of the calendar, with `algorithm: fixed-window`. */
  readonly period: 'day' | 'month' | null;
}

export interface JwtConfig extends Omit<DeclaredJwt, 'algorithms'> {
  readonly algorithms: readonly JwtAlgorithm[];
}

export interface AuthConfig extends Omit<DeclaredAuth, 'jwt'> {
  readonly jwt: JwtConfig | null;
}

type DeclaredGateway = Declared['gateway'];

export interface GatewayConfig extends Omit<DeclaredGateway, 'cors' | 'upstreams' | 'routes'> {
  readonly cors: CorsConfig | null;
  /** Declared ones first, then the implicit ones. */
  readonly upstreams: readonly UpstreamConfig[];
  /** In the order of the file. */
  readonly routes: readonly RouteConfig[];
}

type DeclaredRateLimiting = Declared['rateLimiting'];

export interface RateLimitingConfig extends Omit<DeclaredRateLimiting, 'default' | 'rules'> {
  readonly default: RateLimitRule | null;
  readonly rules: readonly RateLimitRule[];
}

type StoreKeys = 'database' | 'redis';
type DeclaredStores = Pick<Declared, StoreKeys>;
/** `tls` is null when nothing is said about it. */
type Store<K extends StoreKeys> = Omit<DeclaredStores[K], 'tls'> & {
  readonly tls: DeclaredStores[K]['tls'] | null;
};

/** A configuration that is checked, merged and frozen. Durations are milliseconds, sizes bytes, percentages 0 to 1. */
export interface Config extends Omit<Declared, 'gateway' | 'rateLimiting' | 'auth' | StoreKeys> {
  readonly gateway: GatewayConfig;
  readonly rateLimiting: RateLimitingConfig;
  readonly auth: AuthConfig;
  readonly database: Store<'database'>;
  readonly redis: Store<'redis'>;
  /** As it was written, before anything was merged: what an export shows. */
  readonly declared: Declared;
}
