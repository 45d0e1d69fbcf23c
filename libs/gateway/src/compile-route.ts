import { type Config, type RouteConfig } from '#config';
import { type Route } from './route.js';
import { CorsPolicy } from './transform/cors.js';
import { compileRequestHeaders, compileResponseHeaders } from './transform/header-changes.js';
import { compileIpRules } from './transform/ip-rules.js';
import { compileQuery } from './transform/query.js';
import { compileRedirect } from './transform/redirect.js';
import { compileRespond } from './transform/respond.js';
import { ResponseShape } from './transform/response-shape.js';
import { compileRewrite } from './transform/rewrite.js';
import { WeightedSplit } from './transform/weighted-split.js';
import { type Upstream } from './upstreams/upstream.js';

export function compileRoute(
  config: RouteConfig,
  { compression, securityHeaders, limits }: Config['gateway'],
  upstreams: ReadonlyMap<string, Upstream>,
): Route {
  const cors = config.cors === null ? null : new CorsPolicy(config.cors);
  return {
    name: config.name,
    hosts: config.hosts,
    path: config.path,
    methods: config.methods,
    headers: config.headers,
    query: config.query,
    priority: config.priority,
    admits: compileIpRules(config.ip),
    cors,
    answer: compileAnswer(config),
    upstreams: new WeightedSplit(
      config.upstreams.map(({ upstream, weight }) => ({ upstream: named(upstreams, upstream, config.name), weight })),
    ),
    rewrite: compileRewrite(config),
    rewriteQuery: compileQuery(config.request.query),
    requestHeaders: compileRequestHeaders(config.request.headers),
    shape: new ResponseShape(securityHeaders, cors, compileResponseHeaders(config.response.headers), compression),
    timeout: config.timeout,
    bodyLimit: config.limits.body ?? Infinity,
    bodyTime: limits.requestTimeout ?? Infinity,
    websocket: config.websocket,
  };
}

function compileAnswer(config: RouteConfig): Route['answer'] {
  if (config.redirect !== null) return compileRedirect(config, config.redirect);
  if (config.respond === null) return null;
  const answer = compileRespond(config.respond);
  return () => answer;
}

function named(upstreams: ReadonlyMap<string, Upstream>, name: string, route: string): Upstream {
  const upstream = upstreams.get(name);
  if (!upstream) throw new Error(`The route "${route}" names the upstream "${name}", which there is not.`);
  return upstream;
}
