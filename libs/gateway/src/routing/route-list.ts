import { type CompiledRoute } from './compiled-route.js';
import { type RoutableRoute } from './routable-route.js';
import { type RouteMatch } from './route-match.js';
import { type ValueMatcher } from './value-matcher.js';

export interface RankedRoute<R extends RoutableRoute> extends CompiledRoute<R> {
  /** Its place in the precedence, hosts apart; lower goes first, and no two have the same. */
  readonly rank: number;
  /** The one result of a route without parameters. */
  readonly match: RouteMatch<R> | null;
}

/** The header or query parameter whose value tells routes apart. */
export interface Selector {
  readonly from: 'headers' | 'query';
  readonly name: string;
}

/** Fewer are asked one by one. */
const WORTH_AN_INDEX = 8;

/**
 * The routes that end at one place of a path tree, in the order of their ranks. Where many of them ask for exact values
 * of one header or parameter (a tenant, a version), those are found by the value that the request has.
 */
export class RouteList<R extends RoutableRoute> {
  best = Infinity;
  /** Those that are asked one by one. */
  plain: RankedRoute<R>[] = [];
  selector: Selector | null = null;
  readonly selected = new Map<string, RankedRoute<R>[]>();

  add(route: RankedRoute<R>): void {
    this.best = Math.min(this.best, route.rank);
    this.plain.push(route);
  }

  /** Once all are added. */
  index(): void {
    const counts = new Map<string, { selector: Selector; count: number }>();
    for (const route of this.plain) {
      for (const from of ['headers', 'query'] as const) {
        for (const { name } of route[from].filter(isExact)) {
          const key = `${from} ${name}`;
          counts.set(key, { selector: { from, name }, count: (counts.get(key)?.count ?? 0) + 1 });
        }
      }
    }
    const most = [...counts.values()].sort((a, b) => b.count - a.count)[0];
    if (most === undefined || most.count < WORTH_AN_INDEX) return;
    const { from, name } = most.selector;
    this.selector = most.selector;
    this.plain = this.plain.filter((route) => {
      const matcher = route[from].find((one) => one.name === name);
      if (matcher?.wanted.kind !== 'exact') return true;
      const routes = this.selected.get(matcher.wanted.value) ?? [];
      routes.push(route);
      this.selected.set(matcher.wanted.value, routes);
      return false;
    });
  }
}

function isExact({ wanted }: ValueMatcher): boolean {
  return wanted.kind === 'exact';
}
