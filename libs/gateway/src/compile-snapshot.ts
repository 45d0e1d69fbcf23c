import { type Config, type RouteConfig } from '#config';
import { CidrSet } from '#kernel';
import { type Route } from './route.js';
import { RouteTable } from './routing/route-table.js';
import { type Snapshot } from './snapshot.js';
import { buildUpstream, upstreamFingerprint } from './upstreams/build-upstream.js';
import { RoundRobin } from './upstreams/round-robin.js';
import { type Upstream } from './upstreams/upstream.js';

export interface LoadedConfig {
  readonly config: Config;
  readonly hash: string;
}

/** Makes a snapshot of a checked configuration. Upstreams whose configuration is unchanged are taken over with their connections and state. */
export function compileSnapshot(
  loaded: LoadedConfig,
  previous: Snapshot | null,
  now: number,
  demoUrl: string,
): Snapshot {
  const { gateway } = loaded.config;
  const upstreams = new Map<string, Upstream>();
  for (const config of gateway.upstreams) {
    const fingerprint = upstreamFingerprint(config);
    const known = previous?.upstreams.get(config.name);
    upstreams.set(
      config.name,
      known?.fingerprint === fingerprint ? known : buildUpstream(config, fingerprint, demoUrl),
    );
  }
  return Object.freeze({
    version: (previous?.version ?? 0) + 1,
    hash: loaded.hash,
    loadedAt: now,
    routes: new RouteTable(
      gateway.routes.map((route) => compileRoute(route, upstreams, gateway.limits.requestTimeout)),
    ),
    upstreams,
    trusted: new CidrSet(gateway.trustedProxies),
    limits: gateway.limits,
  });
}

/** The upstreams that `snapshot` has and its successor has not. */
export function retiredUpstreams(snapshot: Snapshot, successor: Snapshot): Upstream[] {
  const kept = new Set(successor.upstreams.values());
  return [...snapshot.upstreams.values()].filter((upstream) => !kept.has(upstream));
}

function compileRoute(config: RouteConfig, upstreams: ReadonlyMap<string, Upstream>, bodyTime: number | null): Route {
  const shares = new RoundRobin(
    config.upstreams.map(({ upstream, weight }) => {
      const found = upstreams.get(upstream);
      if (!found) throw new Error(`route ${config.name} names the unknown upstream ${upstream}`);
      return { upstream: found, weight };
    }),
  );
  const { rewrite } = config;
  const stripped = rewrite.stripPrefix ?? '';
  const prefix = rewrite.prefix ?? '';
  return {
    name: config.name,
    hosts: config.hosts,
    path: config.path,
    methods: config.methods,
    headers: config.headers,
    query: config.query,
    priority: config.priority,
    chooseUpstream: () => {
      const share = shares.next();
      if (!share) throw new Error(`route ${config.name} has no upstream`);
      return share.upstream;
    },
    rewritePath: ({ path }) => {
      const below =
        stripped !== '' && (path === stripped || path.startsWith(`${stripped}/`)) ? path.slice(stripped.length) : path;
      return prefix + (below === '' ? '/' : below);
    },
    host: rewrite.host.kind === 'name' ? rewrite.host.value : null,
    preserveHost: rewrite.host.kind === 'preserve',
    strippedPrefix: stripped,
    timeout: config.timeout,
    bodyLimit: config.limits.body ?? Infinity,
    bodyTime: bodyTime ?? Infinity,
    websocket: config.websocket,
  };
}
