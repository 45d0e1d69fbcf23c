import { Logger } from '@nestjs/common';
import { AccessPolicy } from '#auth';
import { type Config } from '#config';
import { CidrSet, type Exchange, systemClock } from '#kernel';
import { RuleSet } from '#rate-limit';
import { type RouteCache } from './cache/route-cache.js';
import { compileRoute } from './compile-route.js';
import { type Route } from './route.js';
import { CorsPolicy } from './transform/cors.js';
import { compileIpRules } from './transform/ip-rules.js';
import { remembered } from './transform/remembered.js';
import { ResponseShape } from './transform/response-shape.js';
import { RouteTable } from './routing/route-table.js';
import { type Snapshot } from './snapshot.js';
import { buildUpstream, type Surroundings, upstreamFingerprint } from './upstreams/build-upstream.js';
import { type Upstream } from './upstreams/upstream.js';

const logger = new Logger('Auth');

export interface LoadedConfig {
  readonly config: Config;
  readonly hash: string;
}

/** Makes a snapshot of a checked configuration. Upstreams whose configuration is unchanged are taken over with their connections and state. */
export function compileSnapshot(
  loaded: LoadedConfig,
  previous: Snapshot | null,
  now: number,
  surroundings: Surroundings,
): Snapshot {
  const { gateway } = loaded.config;
  const upstreams = new Map<string, Upstream>();
  for (const config of gateway.upstreams) {
    const fingerprint = upstreamFingerprint(config);
    const known = previous?.upstreams.get(config.name);
    upstreams.set(
      config.name,
      known?.fingerprint === fingerprint ? known : buildUpstream(config, fingerprint, surroundings),
    );
  }
  const access = new AccessPolicy(loaded.config.auth, previous?.access ?? null, {
    clock: systemClock,
    clientCertificates: gateway.tls?.clientCa != null,
    tell: (news) => logger.warn(news),
  });
  const cors = gateway.cors === null ? null : new CorsPolicy(gateway.cors);
  const caches = gateway.routes.some(({ cache }) => cache !== null);
  const cacheOfReads = ({ req, host, path, query }: Exchange): RouteCache | null => {
    const match = routes.match('GET', host, path, req, query);
    return match.kind === 'route' ? match.route.cache : null;
  };
  const routes: RouteTable<Route> = new RouteTable(
    gateway.routes.map((route) =>
      compileRoute(route, gateway, upstreams, access.forRoute(route), caches ? cacheOfReads : null),
    ),
  );
  return Object.freeze({
    version: (previous?.version ?? 0) + 1,
    hash: loaded.hash,
    loadedAt: now,
    routes,
    upstreams,
    trusts: trusting(gateway.trustedProxies),
    admits: compileIpRules(gateway.ip),
    cors,
    shape: new ResponseShape(gateway.securityHeaders, cors, null, gateway.compression),
    limits: gateway.limits,
    rules: new RuleSet(loaded.config.rateLimiting, gateway.routes, loaded.config.auth.consumers),
    access,
  });
}

/** The upstreams that `snapshot` has and its successor has not. */
export function retiredUpstreams(snapshot: Snapshot, successor: Snapshot): Upstream[] {
  const kept = new Set(successor.upstreams.values());
  return [...snapshot.upstreams.values()].filter((upstream) => !kept.has(upstream));
}

function trusting(proxies: readonly string[]): (address: string) => boolean {
  if (proxies.length === 0) return () => false;
  const set = new CidrSet(proxies);
  return remembered(4096, (address) => set.has(address));
}
