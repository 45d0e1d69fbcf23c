import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { admits, type Exchange, type Principal, Refusal, type Verdict } from '#kernel';
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
    return admits(exchange, this.identify(exchange, exchange.route.access));
  }

  /** Finds the principal of an exchange by what `access` takes. */
  identify(exchange: Exchange, access: RouteAccess): Verdict {
    if (!access.looks(exchange)) return null;
    if (access.methods.length === 0) {
      return new Refusal('not_configured', 'No method of authentication that this route takes is set up under auth.');
    }
    for (const method of access.methods) {
      const credential = method.credentialIn(exchange);
      if (credential === null) continue;
      // Also for what comes in the query, which the guard by address does not see.
      const tooMany = this.failed.refusal(exchange);
      if (tooMany !== null) return tooMany;
      const outcome = method.verify(credential, this.stores);
      if (!(outcome instanceof Promise)) return this.settle(exchange, access, method, outcome);
      const settled = outcome.then(
        (found) => this.failed.refusal(exchange) ?? this.settle(exchange, access, method, found),
      );
      return this.failed.looking(exchange, settled);
    }
    return access.admitsAnyone(exchange) ? null : access.required();
  }

  private settle(exchange: Exchange, access: RouteAccess, method: Method, outcome: Outcome): Verdict {
    if (outcome instanceof Rejected) {
      return this.counted(exchange, access.invalid(method, outcome.reason, outcome.error));
    }
    // A right guess among many that came together is worth no more than the wrong ones before it.
    const counted = this.failed.whenCounted(exchange);
    if (counted === null) return known(exchange, method, outcome);
    return counted.then(() => this.failed.refusal(exchange) ?? known(exchange, method, outcome));
  }

  private async counted(exchange: Exchange, refusal: Refusal): Promise<Refusal> {
    return (await this.failed.count(exchange)) ?? refusal;
  }
}

function known(exchange: Exchange, method: Method, principal: Principal): null {
  exchange.principal = principal;
  exchange.authMethod = method.name;
  return null;
}
