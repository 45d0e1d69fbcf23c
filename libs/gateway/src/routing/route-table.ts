import { compileRoute, type CompiledRoute } from './compiled-route.js';
import { hostName } from './host-name.js';
import { PathTree, type PathVisitor } from './path-tree.js';
import { comparePrecedence } from './precedence.js';
import { type HeaderSource, type RoutableRoute } from './routable-route.js';
import { RouteMatch } from './route-match.js';
import { headerValue, queryValue, valueMatches } from './value-matcher.js';

/**
 * All routes of a snapshot, compiled once. Every route gets a rank, its place in the precedence apart from hosts; each
 * host, wildcard and "any host" has a path tree. A match asks the tree of the exact host, then those of the wildcards
 * from the longest, then the one for any host, and takes the first route of lowest rank that matches in everything.
 * So a request that the routes of its own host refuse is still tried with the wider ones, and only when none takes it
 * does a second walk gather what `Allow` lists.
 *
 * The cost grows with the length of the path, the number of its segments that parameters could take, and the number of
 * routes that differ in nothing but methods, headers and query, or whose regular expression starts like the path.
 */
export class RouteTable<R extends RoutableRoute> {
  /** In the order of their ranks. */
  readonly routes: readonly RankedRoute<R>[];
  readonly #hosts = new Map<string, PathTree<RankedRoute<R>>>();
  /** `*.example.com` stands under `example.com`. */
  readonly #wildcards = new Map<string, PathTree<RankedRoute<R>>>();
  readonly #anyHost = new PathTree<RankedRoute<R>>();
  /** Longer suffixes of a host need no look-up, however many dots a client writes. */
  #longestWildcard = 0;
  /** Reused: a match is synchronous. */
  readonly #search = new Search<R>();

  constructor(routes: readonly R[]) {
    this.routes = routes.map(compileRoute).sort(comparePrecedence).map(rankRoute);
    for (const route of this.routes) {
      for (const tree of this.#treesOf(route)) tree.add(route.path, route);
    }
  }

  /** `path` is normalised; `host` is the Host field or what it names; `query` has its `?` or is empty. */
  match(method: string, host: string, path: string, source: HeaderSource, query: string): MatchResult<R> {
    const search = this.#search;
    search.start(method, path, source, query);
    this.#find(host, search);
    if (search.found !== null) {
      const { found } = search;
      return found.match ?? new RouteMatch(found.route, found.path.params, path);
    }
    if (!search.missedMethod) return NOT_FOUND;
    const allow = new Set<string>();
    search.allow = allow;
    this.#find(host, search);
    return allow.size === 0 ? NOT_FOUND : { kind: 'method_not_allowed', allow: [...allow].sort() };
  }

  #find(host: string, search: Search<R>): void {
    if (this.#hosts.size > 0 || this.#wildcards.size > 0) {
      const name = hostName(host);
      this.#hosts.get(name)?.walk(search.path, search);
      if (this.#wildcards.size > 0) {
        let dot = name.indexOf('.', Math.max(1, name.length - 1 - this.#longestWildcard));
        for (; dot !== -1 && search.found === null; dot = name.indexOf('.', dot + 1)) {
          this.#wildcards.get(name.slice(dot + 1))?.walk(search.path, search);
        }
      }
    }
    if (search.found === null) this.#anyHost.walk(search.path, search);
  }

  #treesOf(route: RankedRoute<R>): Set<PathTree<RankedRoute<R>>> {
    if (route.hosts.length === 0) return new Set([this.#anyHost]);
    const trees = route.hosts.map(({ name, wildcard }) => {
      const byName = wildcard ? this.#wildcards : this.#hosts;
      const tree = byName.get(name) ?? new PathTree<RankedRoute<R>>();
      byName.set(name, tree);
      if (wildcard) this.#longestWildcard = Math.max(this.#longestWildcard, name.length);
      return tree;
    });
    return new Set(trees);
  }
}

export type MatchResult<R extends RoutableRoute> =
  | RouteMatch<R>
  | { readonly kind: 'not_found' }
  /** Routes match in everything but the method; these are the methods that they take. */
  | { readonly kind: 'method_not_allowed'; readonly allow: readonly string[] };

export interface RankedRoute<R extends RoutableRoute> extends CompiledRoute<R> {
  readonly rank: number;
  /** The one result of a route without parameters. */
  readonly match: RouteMatch<R> | null;
}

const NOT_FOUND = Object.freeze({ kind: 'not_found' });

function rankRoute<R extends RoutableRoute>(route: CompiledRoute<R>, rank: number): RankedRoute<R> {
  return { ...route, rank, match: route.path.params.length === 0 ? new RouteMatch(route.route, [], '') : null };
}

class Search<R extends RoutableRoute> implements PathVisitor<RankedRoute<R>> {
  bound = Infinity;
  found: RankedRoute<R> | null = null;
  /** A route was left out for its method alone, as far as was looked. */
  missedMethod = false;
  /** Set for the second walk: nothing is found any more, methods are gathered. */
  allow: Set<string> | null = null;
  method = '';
  path = '';
  source: HeaderSource = NO_HEADERS;
  query = '';

  start(method: string, path: string, source: HeaderSource, query: string): void {
    this.bound = Infinity;
    this.found = null;
    this.missedMethod = false;
    this.allow = null;
    this.method = method;
    this.path = path;
    this.source = source;
    this.query = query;
  }

  visit(route: RankedRoute<R>): void {
    const { methods } = route.route;
    if (this.allow !== null) {
      if (this.#meets(route)) for (const method of methods) this.allow.add(method);
    } else if (methods.length > 0 && !methods.includes(this.method)) {
      this.missedMethod = true;
    } else if (this.#meets(route)) {
      this.found = route;
      this.bound = route.rank;
    }
  }

  /** The path, where it is an expression, and whatever headers and query the route asks for. */
  #meets({ path, headers, query }: RankedRoute<R>): boolean {
    if (path.regex !== null && !path.regex.test(this.path)) return false;
    for (const matcher of headers) {
      if (!valueMatches(matcher, headerValue(this.source, matcher.name))) return false;
    }
    for (const matcher of query) {
      if (!valueMatches(matcher, queryValue(this.query, matcher.name))) return false;
    }
    return true;
  }
}

const NO_HEADERS: HeaderSource = { headers: {} };
