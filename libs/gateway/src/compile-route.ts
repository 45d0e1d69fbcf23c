import { type RouteAccess } from '#auth';
import { type Config, type RouteConfig } from '#config';
import { compileCache } from './cache/route-cache.js';
import { type MirrorRoute, type Route } from './route.js';
import { CorsPolicy } from './transform/cors.js';
import { FieldNames } from './transform/field-names.js';
import { compileRequestHeaders, compileResponseHeaders } from './transform/header-changes.js';
import { compileMirror } from './transform/mirror.js';
import { compileIpRules } from './transform/ip-rules.js';
import { compileQuery } from './transform/query.js';
import { compileRedirect } from './transform/redirect.js';
import { compileRespond } from './transform/respond.js';
import { ResponseShape } from './transform/response-shape.js';
import { compileRewrite } from './transform/rewrite.js';
import { WeightedSplit } from './transform/weighted-split.js';
import { RetryPolicy } from './upstreams/retry-policy.js';
import { type Upstream } from './upstreams/upstream.js';

export function compileRoute(
  config: RouteConfig,
  { compression, securityHeaders, limits }: Config['gateway'],
  upstreams: ReadonlyMap<string, Upstream>,
  access: RouteAccess,
  cacheOfReads: Route['cacheOfReads'],
): Route {
  const cors = config.cors === null ? null : new CorsPolicy(config.cors);
  const { hidden } = access;
  const hidesParameter = hidden.parameter === null ? null : compileQuery({ set: {}, remove: [hidden.parameter] });
  return {
    name: config.name,
    hosts: config.hosts,
    path: config.path,
    methods: config.methods,
    headers: config.headers,
    query: config.query,
    priority: config.priority,
    access,
    admits: compileIpRules(config.ip),
    cors,
    answer: compileAnswer(config, hidesParameter),
    upstreams: new WeightedSplit(
      config.upstreams.map(({ upstream, weight, retry }) => ({
        upstream: named(upstreams, upstream, config.name),
        weight,
        retry: retry === null || retry.attempts === 0 ? null : new RetryPolicy(retry),
      })),
    ),
    rewrite: compileRewrite(config),
    rewriteQuery: compileQuery(config.request.query),
    hidesFields: namesOf(hidden.fields),
    hidesAuthorization: hidden.authorization && {
      where: hidden.authorization,
      fields: new FieldNames([...hidden.fields, 'authorization']),
    },
    hidesParameter,
    requestHeaders: compileRequestHeaders(config.request.headers),
    shape: new ResponseShape(securityHeaders, cors, compileResponseHeaders(config.response.headers), compression),
    timeout: config.timeout,
    bodyLimit: config.limits.body ?? Infinity,
    bodyTime: limits.requestTimeout ?? Infinity,
    websocket: config.websocket,
    mirror: mirrorOf(config, upstreams),
    cache: compileCache(config, access),
    cacheOfReads,
  };
}

function namesOf(names: readonly string[]): FieldNames | null {
  return names.length === 0 ? null : new FieldNames(names);
}

function compileAnswer(config: RouteConfig, hides: Route['hidesParameter']): Route['answer'] {
  if (config.redirect !== null) return compileRedirect(config, config.redirect, hides);
  if (config.respond === null) return null;
  const answer = compileRespond(config.respond);
  return () => answer;
}

function mirrorOf(config: RouteConfig, upstreams: ReadonlyMap<string, Upstream>): MirrorRoute | null {
  const mirror = compileMirror(config.mirror);
  if (mirror === null) return null;
  return { upstream: named(upstreams, mirror.upstream, config.name), takes: () => mirror.takes() };
}

function named(upstreams: ReadonlyMap<string, Upstream>, name: string, route: string): Upstream {
  const upstream = upstreams.get(name);
  if (!upstream) throw new Error(`The route "${route}" names the upstream "${name}", which there is not.`);
  return upstream;
}
