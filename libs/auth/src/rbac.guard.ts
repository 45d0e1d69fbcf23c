import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { admits, type Exchange, Refusal } from '#kernel';
import { type GuardedRoute, type RouteAccess } from './route-access.js';

/** Lets in who has what the route and the rules for its path ask for. Who is calling is known by now, or need not be. */
@Injectable()
export class RbacGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const exchange = context.getArgByIndex<Exchange<GuardedRoute>>(0);
    if (exchange.route === null) throw new Error('an exchange reached the rules of access without a route');
    return admits(exchange, refusalOf(exchange, exchange.route.access));
  }
}

function refusalOf(exchange: Exchange, access: RouteAccess): Refusal | null {
  // The guard before has seen to this; were it ever left out, nobody gets in for that.
  if (exchange.principal === null) return access.admitsAnyone(exchange) ? null : access.required();
  const missing = access.missing(exchange);
  return missing === null ? null : new Refusal('forbidden', missing);
}
