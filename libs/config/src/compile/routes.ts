import { type Declared } from '../model/root.js';
import { type DeclaredRoute } from '../model/route.js';
import { retry as retrySchema, type RetryConfig } from '../model/upstream.js';
import { cors as corsSchema } from '../model/edges.js';
import { type Path } from '../schema/schema.js';
import { checkRequirement } from './auth.js';
import { type Checks } from './checks.js';
import { type AuthConfig, type CorsConfig, type RouteConfig, type UpstreamShare } from './config.js';
import { derivedName } from './names.js';
import { type RateLimits } from './rate-limits.js';
import { reservedBy } from './reserved.js';
import { checkRewrite, checkRedirect } from './route-paths.js';
import { type Upstreams } from './upstreams.js';

type DeclaredCors = Declared['gateway']['cors'];

interface Around {
  readonly declared: Declared;
  readonly auth: AuthConfig;
  readonly upstreams: Upstreams;
  readonly limits: RateLimits;
  readonly checks: Checks;
}

export function routesOf(around: Around): readonly RouteConfig[] {
  const { routes } = around.declared.gateway;
  const { checks } = around;
  const path: Path = ['gateway', 'routes'];
  checks.unique(
    path,
    'route',
    routes.map(({ name }) => name),
  );
  const taken = new Set(routes.flatMap(({ name }) => name ?? []));
  const compiled = routes.map((route, index) => {
    const name = route.name ?? derivedName(route.path.value, taken);
    return routeOf(route, name, [...path, index], around);
  });
  checkReach(compiled, path, checks);
  return compiled;
}

function routeOf(route: DeclaredRoute, name: string, path: Path, around: Around): RouteConfig {
  const { declared, auth, limits, checks } = around;
  const { gateway } = declared;
  const reserved = reservedBy(route.path, declared);
  if (reserved !== undefined) {
    const hint =
      declared.admin.port === null && reserved !== '/health'
        ? { hint: 'take another path, or give the admin API a port of its own with admin.port' }
        : {};
    checks.wrong([...path, 'path'], `${route.path.value} is reserved: Aegis itself answers ${reserved}`, hint);
  }
  checkActions(route, path, checks);
  checkRewrite(route, path, checks);
  checkRedirect(route, path, checks);
  if (route.auth !== null) checkRequirement(route.auth, auth, [...path, 'auth'], checks);
  const mirrored = route.mirror && around.upstreams.resolve(route.mirror.upstream, [...path, 'mirror', 'upstream']);
  return {
    ...route,
    name,
    upstreams: sharesOf(route, path, around),
    mirror: route.mirror && { ...route.mirror, upstream: mirrored?.name ?? '' },
    timeout: route.timeout === 'off' ? null : route.timeout,
    cors: corsOf(route.cors, gateway.cors, [...path, 'cors'], checks),
    limits: { body: route.limits.body === 'off' ? null : (route.limits.body ?? gateway.limits.body) },
    auth: route.auth ?? declared.auth.default,
    identity: identityOf(route.identity, declared.auth.identity),
    rateLimit: limits.ofRoute(name, route.rateLimit, [...path, 'rateLimit']),
  };
}

function identityOf(said: DeclaredRoute['identity'], auths: Declared['auth']['identity']): RouteConfig['identity'] {
  if (said === 'off') return null;
  if (said === null) return auths?.default === true ? { audience: auths.audience } : null;
  return { audience: said.audience ?? auths?.audience ?? null };
}

const ACTIONS = ['upstream', 'redirect', 'respond'] as const;
/** What only matters when something is sent upstream. */
const FORWARDING = ['mirror', 'retry', 'timeout', 'identity'] as const;

function checkActions(route: DeclaredRoute, path: Path, checks: Checks): void {
  const given = ACTIONS.filter((action) => route[action] !== null);
  if (given.length === 0) {
    checks.wrong(path, 'the route does nothing: it needs exactly one of upstream, redirect and respond', {
      missing: ACTIONS,
    });
  }
  if (given.length > 1) {
    checks.wrong(
      [...path, given[1] ?? ''],
      `a route has exactly one of upstream, redirect and respond; this one has ${given.join(' and ')}`,
    );
  }
  if (route.upstream !== null) return;
  for (const key of FORWARDING) {
    if (route[key] !== null) checks.warn([...path, key], 'it has no effect on a route without an upstream');
  }
  if (route.cache !== null) checks.warn([...path, 'cache'], 'it has no effect on a route without an upstream');
}

function sharesOf(
  { upstream, retry }: DeclaredRoute,
  path: Path,
  { upstreams, checks }: Around,
): readonly UpstreamShare[] {
  if (upstream === null) return [];
  const [only] = upstream;
  const lone = upstream.length === 1 && only?.weight === 1;
  const shares = upstream.map((share, index) => {
    const written = [...path, 'upstream', ...(lone ? [] : [index, 'upstream'])];
    const found = upstreams.resolve(share.upstream, written);
    return { upstream: found?.name ?? '', weight: share.weight, retry: retryOf(retry, found?.retry ?? null) };
  });
  if (shares.length > 0 && shares.every(({ weight }) => weight === 0)) {
    checks.wrong([...path, 'upstream'], 'every weight is 0, so no upstream could ever be chosen');
  }
  return shares;
}

function retryOf(said: DeclaredRoute['retry'], upstreams: RetryConfig | null): RetryConfig | null {
  if (said === null) return upstreams;
  if (said === 'off') return null;
  const nothing = Object.values(said).every((value) => value === null);
  const retry = nothing && upstreams === null ? null : merged(said, upstreams ?? retrySchema.blank);
  return retry?.attempts === 0 ? null : retry;
}

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

function merged<T extends object>(said: Nullable<T>, base: T): T {
  const entries = Object.entries(said).filter(([, value]) => value !== null);
  return { ...base, ...(Object.fromEntries(entries) as Partial<T>) };
}

function corsOf(said: DeclaredRoute['cors'], gateways: DeclaredCors, path: Path, checks: Checks): CorsConfig | null {
  if (said === 'off') return null;
  if (said === null) return gateways && settleCors(gateways);
  if (gateways === null && said.origins === null) {
    checks.wrong([...path, 'origins'], 'it is missing, and there is no gateway.cors to take it from');
  }
  const cors = merged(said, gateways ?? corsSchema.blank);
  checkCors(cors, path, checks);
  return settleCors(cors);
}

export function checkCors(cors: NonNullable<DeclaredCors>, path: Path, checks: Checks): void {
  if (cors.credentials !== true || !cors.origins.includes('*')) return;
  checks.wrong([...path, 'credentials'], 'browsers refuse credentials together with the origin *', {
    hint: 'list the origins, or write credentials: false',
  });
}

export function settleCors(cors: NonNullable<DeclaredCors>): CorsConfig {
  return { ...cors, credentials: cors.credentials ?? !cors.origins.includes('*') };
}

/** A route behind one that takes exactly the same requests is never reached. */
function checkReach(routes: readonly RouteConfig[], path: Path, checks: Checks): void {
  const first = new Map<string, string>();
  for (const [index, { name, hosts, path: taken, methods, headers, query, priority }] of routes.entries()) {
    const key = JSON.stringify([
      [...hosts].sort(),
      taken,
      [...methods].sort(),
      sorted(headers),
      sorted(query),
      priority,
    ]);
    const before = first.get(key);
    if (before === undefined) first.set(key, name);
    else checks.warn([...path, index], `no request reaches it: route ${before} takes exactly the same ones`);
  }
}

function sorted(map: Readonly<Record<string, unknown>>): unknown {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}
