import { type CompiledRoute } from './compiled-route.js';
import { type RoutableRoute } from './routable-route.js';

/**
 * Which of two routes that both match goes first, whatever the request: all of the precedence but the host, whose rank
 * depends on which of a route's hosts was asked for. The order is total, so a table can number its routes once.
 */
interface Criterion {
  /** Negative: the first goes first. */
  readonly compare: (a: AnyRoute, b: AnyRoute) => number;
  /** Why the winner did, for people. */
  readonly because: (winner: AnyRoute, loser: AnyRoute) => string;
}

type AnyRoute = CompiledRoute<RoutableRoute>;

const CRITERIA: readonly Criterion[] = [
  {
    compare: (a, b) => b.route.priority - a.route.priority,
    because: (winner, loser) => `its priority ${winner.route.priority} is higher than ${loser.route.priority}`,
  },
  {
    compare: (a, b) => kindRank(a) - kindRank(b),
    because: (winner) =>
      winner.path.source.kind === 'exact' ? 'its path is exact' : 'regular expressions come after all other paths',
  },
  {
    compare: (a, b) => b.path.literalLength - a.path.literalLength,
    because: (winner, loser) => `its path spells out more: ${winner.path.source.value} over ${loser.path.source.value}`,
  },
  {
    compare: (a, b) => Number(a.path.wildcard) - Number(b.path.wildcard),
    because: () => 'parameters come before wildcards and prefixes',
  },
  {
    compare: (a, b) => Number(a.route.methods.length === 0) - Number(b.route.methods.length === 0),
    because: () => 'it names the method',
  },
  {
    compare: (a, b) => b.headers.length - a.headers.length,
    because: (winner, loser) => `it asks for ${count(winner.headers.length, 'header')} and not ${loser.headers.length}`,
  },
  {
    compare: (a, b) => b.query.length - a.query.length,
    because: (winner, loser) =>
      `it asks for ${count(winner.query.length, 'query parameter')} and not ${loser.query.length}`,
  },
  {
    compare: (a, b) => a.index - b.index,
    because: () => 'it stands earlier in the file',
  },
];

export function comparePrecedence(a: AnyRoute, b: AnyRoute): number {
  for (const { compare } of CRITERIA) {
    const order = compare(a, b);
    if (order !== 0) return order;
  }
  return 0;
}

export function whyFirst(winner: AnyRoute, loser: AnyRoute): string {
  return CRITERIA.find(({ compare }) => compare(winner, loser) < 0)?.because(winner, loser) ?? 'it is the same route';
}

function kindRank({ path }: AnyRoute): number {
  return path.source.kind === 'exact' ? 0 : path.source.kind === 'regex' ? 2 : 1;
}

function count(n: number, what: string): string {
  return n === 1 ? `1 ${what}` : `${n} ${what}s`;
}
