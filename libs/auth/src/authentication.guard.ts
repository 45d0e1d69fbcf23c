import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { type Exchange, Refusal } from '#kernel';
import { FailedCredentials } from '#rate-limit';
import { type Method, type Outcome, Rejected } from './methods/method.js';
import { type GuardedRoute, type RouteAccess } from './route-access.js';
import { Stores } from './stores.js';

/**
 * Finds out who is calling. The first method of the route for which the request carries a credential decides: a wrong one
 * is refused, also where none would be needed, and no other is tried. Without waiting, where the answer is known.
 */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  constructor(
    private readonly stores: Stores,
    private readonly failed: FailedCredentials,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const exchange = context.getArgByIndex<Exchange<GuardedRoute>>(0);
    if (exchange.route === null) throw new Error('an exchange reached authentication without a route');
    return this.identify(exchange, exchange.route.access);
  }

  /** Finds the principal of an exchange by what `access` takes, or throws the refusal. */
  identify(exchange: Exchange, access: RouteAccess): boolean | Promise<boolean> {
    if (!access.looks(exchange)) return true;
    if (access.methods.length === 0) {
      throw new Refusal('not_configured', 'No method of authentication that this route takes is set up under auth.');
    }
    for (const method of access.methods) {
      const credential = method.credentialIn(exchange);
      if (credential === null) continue;
      // Also for what comes in the query, which the guard by address does not see.
      this.failed.refuse(exchange);
      const outcome = method.verify(credential, this.stores);
      if (!(outcome instanceof Promise)) return this.settle(exchange, access, method, outcome);
      return outcome.then((settled) => this.settle(exchange, access, method, settled));
    }
    if (!access.admitsAnyone(exchange)) throw access.required();
    return true;
  }

  private settle(exchange: Exchange, access: RouteAccess, method: Method, outcome: Outcome): true | Promise<never> {
    if (outcome instanceof Rejected)
      return this.refuse(exchange, access.invalid(method, outcome.reason, outcome.error));
    exchange.principal = outcome;
    exchange.authMethod = method.name;
    return true;
  }

  private async refuse(exchange: Exchange, refusal: Refusal): Promise<never> {
    await this.failed.count(exchange);
    throw refusal;
  }
}
