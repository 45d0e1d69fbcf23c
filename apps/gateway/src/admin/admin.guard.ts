import { type CanActivate, type ExecutionContext, Injectable, Logger } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Request } from 'express';
import { AuthenticationGuard } from '#auth';
import { SnapshotStore } from '#gateway';
import { Refusal } from '#kernel';
import { FailedCredentials } from '#rate-limit';
import { exchangeOf } from '../reserved-paths.js';
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
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const need = this.reflector.get<Need | undefined>(NEED, context.getHandler());
    if (need === 'nothing') return true;
    const exchange = exchangeOf(context.switchToHttp().getRequest<Request>());
    const { admin } = this.store.current.access;
    if (this.ownerKey.sentIn(exchange.req)) {
      // Neither does a right guess get through once there were too many wrong ones.
      this.failed.refuse(exchange);
      exchange.principal = OWNER;
    } else await this.authentication.identify(exchange, admin.route);
    const { principal } = exchange;
    if (principal === null) throw admin.route.required();
    if (need === undefined) {
      this.logger.error(`${context.getClass().name}.${context.getHandler().name} does not say what it @Needs`);
      throw new Refusal('forbidden', 'Nobody may do this.');
    }
    const missing = need === 'a credential' || principal === OWNER ? null : admin.missing(principal, need);
    if (missing !== null) throw new Refusal('forbidden', missing);
    return true;
  }
}
