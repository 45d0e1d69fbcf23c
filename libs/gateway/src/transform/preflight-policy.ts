import { type IncomingHttpHeaders } from 'node:http';
import { type RoutableRoute } from '../routing/routable-route.js';
import { type RouteTable } from '../routing/route-table.js';
import { type CorsPolicy } from './cors.js';

interface PreflightSource {
  readonly req: { readonly headers: IncomingHttpHeaders };
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

/**
 * The policy that a preflight is answered with: that of the route which the request it announces would take, judged by the
 * method it will have. The gateway's where no route would take it, so that a script gets to read the 404. null: none; the
 * OPTIONS request is then one like any other.
 */
export function preflightPolicy<R extends RoutableRoute & { readonly cors: CorsPolicy | null }>(
  routes: RouteTable<R>,
  gateway: CorsPolicy | null,
  { req, host, path, query }: PreflightSource,
): CorsPolicy | null {
  const method = req.headers['access-control-request-method'] ?? '';
  const match = routes.match(method, host, path, req, query);
  return match.kind === 'route' ? match.route.cors : gateway;
}
