import { Injectable } from '@nestjs/common';
import { AuthenticationGuard } from '#auth';
import { SnapshotStore } from '#gateway';
import { Exchange } from '#kernel';
import { FailedCredentials } from '#rate-limit';
import { OwnerKey } from './admin/owner-key.js';

/** What `X-Aegis-Debug` on a route has to show: a key or token of somebody who may read the status of Aegis. */
@Injectable()
export class DebugTokens {
  constructor(
    private readonly store: SnapshotStore,
    private readonly authentication: AuthenticationGuard,
    private readonly failed: FailedCredentials,
    private readonly ownerKey: OwnerKey,
  ) {}

  /** A wrong one is a guess like any other, and counted; the request itself goes on without it. Never rejects. */
  async admits(exchange: Exchange, token: string): Promise<boolean> {
    // Of its own: who sends the token need not be who sends the request.
    const { req, res, startedAt, listener, clientIp } = exchange;
    const asking = new Exchange(req, res, startedAt, listener, null);
    asking.clientIp = clientIp;
    if (this.failed.refusal(asking) !== null) return false;
    if (this.ownerKey.is(token)) {
      await this.failed.whenLookedAt(asking);
      return this.failed.refusal(asking) === null;
    }
    const { admin } = this.store.current.access;
    try {
      if ((await this.authentication.identify(asking, admin.debug)) !== null) return false;
    } catch {
      return false;
    }
    const { principal } = asking;
    if (principal === null || this.ownerKey.isOfAnother(principal)) return false;
    return admin.missing(principal, 'read:status') === null;
  }
}
