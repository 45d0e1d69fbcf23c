import { compileRoute, type CompiledRoute } from './compiled-route.js';
import { hostName } from './host-name.js';
import { PathTree } from './path-tree.js';
import { comparePrecedence } from './precedence.js';
import { type HeaderSource, type RoutableRoute } from './routable-route.js';
import { type RankedRoute, RouteList } from './route-list.js';
import { RouteMatch } from './route-match.js';
import { RouteSearch } from './route-search.js';

/**
 * All routes of a snapshot, compiled once. Every route gets a rank, its place in the precedence apart from hosts; each
 * host, wildcard and "any host" has a path tree. A match asks the tree of the exact host, then those of the wildcards
 * from the longest, then the one for any host, and takes the first route of lowest rank that matches in everything.
 * So a request that the routes of its own host refuse is still tried with the wider ones, and only when none takes it
 * does a second walk gather what `Allow` lists.
 *
 * The cost grows with the length of the path, the number of its segments that parameters could take as well, and the
 * number of regular expressions that start like it; it does not grow with the number of routes.
 */
export class RouteTable<R extends RoutableRoute> {
  /** In the order of their ranks. */
  readonly routes: readonly RankedRoute<R>[];
  readonly #hosts = new Map<string, Tree<R>>();
  /** `*.example.com` stands under `example.com`. */
  readonly #wildcards = new Map<string, Tree<R>>();
  readonly #anyHost: Tree<R>;
  /** Longer suffixes of a host need no look-up, however many dots a client writes. */
  #longestWildcard = 0;
  /** A match is synchronous. */
  readonly #search = new RouteSearch<R>();

  constructor(routes: readonly R[]) {
    const lists: RouteList<R>[] = [];
    const makeTree = (): Tree<R> =>
      new PathTree(() => {
        const list = new RouteList<R>();
        lists.push(list);
        return list;
      });
    this.#anyHost = makeTree();
    this.routes = routes.map(compileRoute).sort(comparePrecedence).map(rankRoute);
    for (const route of this.routes) {
      for (const tree of this.#treesOf(route, makeTree)) tree.add(route.path, route);
    }
    for (const list of lists) list.index();
  }

  /** `path` is normalised; `host` is the Host field or what it names; `query` has its `?` or is empty. */
  match(method: string, host: string, path: string, source: HeaderSource, query: string): MatchResult<R> {
    const search = this.#search;
    search.start(method, path, source, query);
    this.#find(host, search);
    const result = search.found === null ? this.#refusal(host, search) : resultOf(search.found, path);
    search.end();
    return result;
  }

  #refusal(host: string, search: RouteSearch<R>): MatchResult<R> {
    if (!search.missedMethod) return NOT_FOUND;
    const allow = new Set<string>();
    search.allow = allow;
    this.#find(host, search);
    return allow.size === 0 ? NOT_FOUND : { kind: 'method_not_allowed', allow: [...allow].sort() };
  }

  #find(host: string, search: RouteSearch<R>): void {
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

  #treesOf(route: RankedRoute<R>, makeTree: () => Tree<R>): Set<Tree<R>> {
    if (route.hosts.length === 0) return new Set([this.#anyHost]);
    const trees = route.hosts.map(({ name, wildcard }) => {
      const byName = wildcard ? this.#wildcards : this.#hosts;
      const tree = byName.get(name) ?? makeTree();
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

type Tree<R extends RoutableRoute> = PathTree<RankedRoute<R>, RouteList<R>>;

const NOT_FOUND = Object.freeze({ kind: 'not_found' });

function resultOf<R extends RoutableRoute>(found: RankedRoute<R>, path: string): RouteMatch<R> {
  return found.match ?? new RouteMatch(found.route, found.path.params, path);
}

function rankRoute<R extends RoutableRoute>(route: CompiledRoute<R>, rank: number): RankedRoute<R> {
  return { ...route, rank, match: route.path.params.length === 0 ? new RouteMatch(route.route, [], '') : null };
}
