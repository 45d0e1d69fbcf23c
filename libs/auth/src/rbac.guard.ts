import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { type Exchange, Refusal } from '#kernel';
import { type GuardedRoute } from './route-access.js';

/** Lets in who has what the route and the rules for its path ask for. Who is calling is known by now, or need not be. */
@Injectable()
export class RbacGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const exchange = context.getArgByIndex<Exchange<GuardedRoute>>(0);
    if (exchange.route === null) throw new Error('an exchange reached the rules of access without a route');
    const { access } = exchange.route;
    if (exchange.principal === null) {
      // The guard before has seen to this; were it ever left out, nobody gets in for that.
      if (!access.admitsAnyone(exchange)) throw access.required();
      return true;
    }
    const missing = access.missing(exchange);
    if (missing !== null) throw new Refusal('forbidden', missing);
    return true;
  }
}
