import { Refusal } from '#kernel';
import { explain } from './routing/explain.js';
import { splitTarget } from './routing/normalize-path.js';
import { type RoutableRoute } from './routing/routable-route.js';
import { type RouteTable } from './routing/route-table.js';

export interface RequestExplanation {
  readonly method: string;
  readonly host: string;
  /** As routing, policies and the upstream see it. */
  readonly path: string;
  readonly outcome: 'route' | 'not_found' | 'method_not_allowed';
  readonly route: string | null;
  readonly allow: readonly string[];
  readonly params: Readonly<Record<string, string>>;
  readonly routes: readonly { readonly name: string; readonly outcome: string; readonly reason: string }[];
}

/** Which route takes a request and why each other does not. `url` is absolute, or a path for any host. */
export function explainRequest<R extends RoutableRoute>(
  snapshot: { readonly routes: RouteTable<R> },
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): RequestExplanation {
  const target = splitTarget(url);
  if (target instanceof Refusal) throw target;
  const host = target.host ?? headers['host'] ?? '';
  const { path, query } = target;
  const { result, routes } = explain(snapshot.routes, { method: method.toUpperCase(), host, path, query, headers });
  return {
    method: method.toUpperCase(),
    host,
    path,
    outcome: result.kind,
    route: result.kind === 'route' ? result.route.name : null,
    allow: result.kind === 'method_not_allowed' ? result.allow : [],
    params: result.kind === 'route' ? result.params : {},
    routes: routes.map(({ route, outcome, reason }) => ({ name: route.name, outcome, reason })),
  };
}
