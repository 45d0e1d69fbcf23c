import { type CanActivate, type ExecutionContext, Injectable, Logger } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Request } from 'express';
import { AuthenticationGuard } from '#auth';
import { SnapshotStore } from '#gateway';
import { type Exchange, raise, Refusal } from '#kernel';
import { FailedCredentials } from '#rate-limit';
import { exchangeOf } from '../reserved-paths.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { type Need, NEED } from './needs.js';
import { OWNER, OwnerKey } from './owner-key.js';

/**
 * Lets in who has what the operation needs. Callers are found as on routes, by the methods of the snapshot that is served,
 * and guesses are limited by address as there.
 */
@Injectable()
export class AdminGuard implements CanActivate {
  private readonly logger = new Logger('Admin');

  constructor(
    private readonly reflector: Reflector,
    private readonly store: SnapshotStore,
    private readonly authentication: AuthenticationGuard,
    private readonly failed: FailedCredentials,
    private readonly ownerKey: OwnerKey,
    private readonly trail: AuditTrail,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const need = this.reflector.get<Need | undefined>(NEED, context.getHandler());
    const req = context.switchToHttp().getRequest<Request>();
    const exchange = exchangeOf(req);
    const { path: pattern } = req.route as { readonly path: string };
    const operation = `${req.method} ${pattern}`;
    this.trail.follow(exchange, operation, kindOf(operation, need));
    if (need === 'nothing') return true;
    await this.identify(exchange);
    this.allow(exchange, need, context);
    if (need?.startsWith('write:') === true) await this.trail.ready();
    return true;
  }

  /** Finds out whose credential an exchange carries; throws where none of it is good. */
  async identify(exchange: Exchange): Promise<void> {
    if (!this.ownerKey.sentIn(exchange.req)) {
      const { route } = this.store.current.access.admin;
      raise(await this.authentication.identify(exchange, route));
      if (this.ownerKey.isOfAnother(exchange.principal)) {
        exchange.principal = null;
        throw route.required();
      }
      return;
    }
    // Neither does a right guess get through once there were too many wrong ones, which may be being counted.
    await this.failed.whenLookedAt(exchange);
    raise(this.failed.refusal(exchange));
    exchange.principal = OWNER;
  }

  private allow({ principal }: Exchange, need: Need | undefined, context: ExecutionContext): void {
    const { admin } = this.store.current.access;
    if (principal === null) throw admin.route.required();
    if (need === undefined) {
      this.logger.error(`${context.getClass().name}.${context.getHandler().name} does not say what it @Needs`);
      throw new Refusal('forbidden', 'Nobody may do this.');
    }
    if (need === 'a credential' || need === 'nothing' || principal === OWNER) return;
    const missing = admin.missing(principal, need);
    if (missing !== null) throw new Refusal('forbidden', missing);
  }
}

/** But not that one was begun: until somebody comes back from the issuer, nobody has tried. */
const SIGN_IN = /^(?!GET \/api\/admin\/login$)\S+ \/api\/admin\/(login|logout|oauth)/;

function kindOf(operation: string, need: Need | undefined): 'change' | 'sign-in' | 'else' {
  if (need?.startsWith('write:') === true) return 'change';
  return SIGN_IN.test(operation) ? 'sign-in' : 'else';
}
