import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { type Request } from 'express';
import { Refusal } from '#kernel';
import { AdminAccess } from './admin-access.js';

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="aegis admin"' };

/** Reserved paths other than `/health` answer to holders of an admin credential only. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(private readonly access: AdminAccess) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const req = context.switchToHttp().getRequest<Request>();
    const key = presentedKey(req);
    if (key === undefined) {
      throw new Refusal(
        'authentication_required',
        'Send the admin key as X-API-Key, or as Authorization: Bearer.',
        CHALLENGE,
      );
    }
    if (!(await this.access.holds(key))) {
      throw new Refusal('invalid_credentials', 'This is not an admin key of this gateway.', CHALLENGE);
    }
    return true;
  }
}

function presentedKey(req: Request): string | undefined {
  const key = req.headers['x-api-key'];
  if (typeof key === 'string' && key !== '') return key;
  return /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1];
}
