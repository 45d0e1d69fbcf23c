import { hostName, type RouteHost } from './host-name.js';
import { type PathPattern } from './path-pattern.js';
import { whyFirst } from './precedence.js';
import { type HeaderSource, type RoutableRoute } from './routable-route.js';
import { type RankedRoute } from './route-list.js';
import { type MatchResult, type RouteTable } from './route-table.js';
import { headerValue, queryValue, type ValueMatcher, valueMatches } from './value-matcher.js';

export interface RouteRequest extends HeaderSource {
  readonly method: string;
  /** The Host field, or what it names. */
  readonly host: string;
  /** Normalised. */
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
}

export interface Explanation<R extends RoutableRoute> {
  readonly result: MatchResult<R>;
  /** In precedence order for this request; those of other hosts stand last. */
  readonly routes: readonly RouteExplanation<R>[];
}

export interface RouteExplanation<R extends RoutableRoute> {
  readonly route: R;
  /** The first thing that kept the route from winning, in the order of this list. */
  readonly outcome: 'won' | 'host' | 'path' | 'method' | 'header' | 'query' | 'shadowed';
  readonly reason: string;
}

/** Why each route won or did not. It asks every route by itself, without the tree. */
export function explain<R extends RoutableRoute>(table: RouteTable<R>, request: RouteRequest): Explanation<R> {
  const host = hostName(request.host);
  const asked = table.routes.map((route) => ({ route, fit: hostFit(route.hosts, host) }));
  asked.sort((a, b) => b.fit - a.fit || a.route.rank - b.route.rank);
  let winner: Asked<R> | undefined;
  const routes = asked.map((one): RouteExplanation<R> => {
    const { route } = one.route;
    const miss = firstMiss(one, host, request);
    if (miss) return { route, ...miss };
    if (winner === undefined) {
      winner = one;
      return { route, outcome: 'won', reason: summary(one, host, request) };
    }
    return { route, outcome: 'shadowed', reason: shadow(winner, one) };
  });
  return { result: table.match(request.method, request.host, request.path, request, request.query), routes };
}

interface Asked<R extends RoutableRoute> {
  readonly route: RankedRoute<R>;
  readonly fit: number;
}

/** How exactly the best of a route's hosts names this one: exact before the longest wildcard before none; -1 for not at all. */
function hostFit(hosts: readonly RouteHost[], name: string): number {
  if (hosts.length === 0) return 0;
  const fits = hosts.map((host) => {
    if (!host.wildcard) return host.name === name ? Infinity : -1;
    return name.endsWith(`.${host.name}`) && name.length > host.name.length + 1 ? host.name.length : -1;
  });
  return Math.max(...fits);
}

function firstMiss<R extends RoutableRoute>(
  { route: { route, path, headers, query }, fit }: Asked<R>,
  host: string,
  request: RouteRequest,
): Omit<RouteExplanation<R>, 'route'> | undefined {
  if (fit === -1) return { outcome: 'host', reason: `the host ${quote(host)} is not ${oneOf(route.hosts)}` };
  const pathMiss = missOfPath(path, request.path);
  if (pathMiss !== undefined) return { outcome: 'path', reason: pathMiss };
  if (route.methods.length > 0 && !route.methods.includes(request.method)) {
    return { outcome: 'method', reason: `the method ${request.method} is not ${oneOf(route.methods)}` };
  }
  for (const matcher of headers) {
    const value = headerValue(request, matcher.name);
    if (!valueMatches(matcher, value)) {
      return { outcome: 'header', reason: missOfValue(`the header ${matcher.name}`, matcher, value) };
    }
  }
  for (const matcher of query) {
    const value = queryValue(request.query, matcher.name);
    if (!valueMatches(matcher, value)) {
      return { outcome: 'query', reason: missOfValue(`the query parameter ${matcher.name}`, matcher, value) };
    }
  }
  return undefined;
}

function missOfPath({ source, parts, regex }: PathPattern, path: string): string | undefined {
  const matches = (regex ?? expression(parts)).test(path);
  if (matches) return undefined;
  const not = {
    prefix: `neither ${source.value} nor below it`,
    exact: `not exactly ${source.value}`,
    pattern: `not of the form ${source.value}`,
    regex: `not matched by /${source.value}/`,
  };
  return `the path ${path} is ${not[source.kind]}`;
}

function expression(parts: PathPattern['parts']): RegExp {
  const ends = { param: '[^/]+', below: '(?:$|/)', rest: '' };
  const body = parts.map((part) => (part.kind === 'literal' ? part.text.replace(/\W/g, '\\$&') : ends[part.kind]));
  const open = parts.some((part) => part.kind === 'below' || part.kind === 'rest');
  return new RegExp(`^${body.join('')}${open ? '' : '$'}`);
}

function missOfValue(what: string, { wanted }: ValueMatcher, value: string | undefined): string {
  if (value === undefined || wanted.kind === 'present') return `${what} is missing`;
  return wanted.kind === 'exact'
    ? `${what} is ${quote(value)}, not ${quote(wanted.value)}`
    : `${what} is ${quote(value)}, which /${wanted.value}/ does not match`;
}

function shadow<R extends RoutableRoute>(winner: Asked<R>, loser: Asked<R>): string {
  const why =
    winner.fit === loser.fit
      ? whyFirst(winner.route, loser.route)
      : winner.fit === Infinity
        ? 'it names the host exactly'
        : loser.fit === 0
          ? 'it names the host'
          : 'its wildcard is the longer one';
  return `matches too, but "${winner.route.route.name}" goes first: ${why}`;
}

function summary<R extends RoutableRoute>(won: Asked<R>, host: string, { method }: RouteRequest): string {
  const { route, path, headers, query } = won.route;
  const hosts = won.fit === 0 ? 'any host' : `host ${host}`;
  const methods = route.methods.length === 0 ? 'any method' : `method ${method}`;
  const names = [...headers.map(({ name }) => `header ${name}`), ...query.map(({ name }) => `query ${name}`)];
  return `wins: ${[hosts, `${path.source.kind} path ${path.source.value}`, methods, ...names].join(', ')}`;
}

function oneOf(names: readonly string[]): string {
  return names.length === 1 ? (names[0] ?? '') : `one of ${names.join(', ')}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
