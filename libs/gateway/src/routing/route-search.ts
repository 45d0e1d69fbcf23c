import { type PathVisitor } from './path-tree.js';
import { type HeaderSource, type RoutableRoute } from './routable-route.js';
import { type RankedRoute, type RouteList, type Selector } from './route-list.js';
import { headerValue, queryValue, valueMatches } from './value-matcher.js';

/** One request on its way through the trees: what it asks for, and the best route so far. Reused from match to match. */
export class RouteSearch<R extends RoutableRoute> implements PathVisitor<RouteList<R>> {
  bound = Infinity;
  found: RankedRoute<R> | null = null;
  /** A route was left out for its method alone, as far as was looked. */
  missedMethod = false;
  /** Set for the second walk: nothing is found any more, methods are gathered. */
  allow: Set<string> | null = null;
  path = '';
  #method = '';
  #source = NO_HEADERS;
  #query = '';

  start(method: string, path: string, source: HeaderSource, query: string): void {
    this.bound = Infinity;
    this.found = null;
    this.missedMethod = false;
    this.allow = null;
    this.path = path;
    this.#method = method;
    this.#source = source;
    this.#query = query;
  }

  /** A request is not kept alive by the search that it is done with. */
  end(): void {
    this.#source = NO_HEADERS;
  }

  visit(list: RouteList<R>): void {
    if (list.selector !== null) {
      const value = this.#valueOf(list.selector);
      const routes = value === undefined ? undefined : list.selected.get(value);
      if (routes !== undefined) this.#try(routes);
    }
    this.#try(list.plain);
  }

  #try(routes: readonly RankedRoute<R>[]): void {
    for (const route of routes) {
      if (route.rank >= this.bound) return;
      const { methods } = route.route;
      if (this.allow !== null) {
        if (this.#meets(route)) for (const method of methods) this.allow.add(method);
      } else if (methods.length > 0 && !methods.includes(this.#method)) {
        this.missedMethod = true;
      } else if (this.#meets(route)) {
        this.found = route;
        this.bound = route.rank;
      }
    }
  }

  #valueOf({ from, name }: Selector): string | undefined {
    return from === 'headers' ? headerValue(this.#source, name) : queryValue(this.#query, name);
  }

  /** The path, where it is an expression, and whatever headers and query the route asks for. */
  #meets({ path, headers, query }: RankedRoute<R>): boolean {
    if (path.regex !== null && !path.regex.test(this.path)) return false;
    for (const matcher of headers) {
      if (!valueMatches(matcher, headerValue(this.#source, matcher.name))) return false;
    }
    for (const matcher of query) {
      if (!valueMatches(matcher, queryValue(this.#query, matcher.name))) return false;
    }
    return true;
  }
}

const NO_HEADERS: HeaderSource = { headers: {} };
