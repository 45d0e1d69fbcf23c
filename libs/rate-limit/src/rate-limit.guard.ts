import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { type Exchange } from '#kernel';
import { RateLimiter } from './rate-limiter.js';

/** Refuses what exceeds its limits. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(private readonly limiter: RateLimiter) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return this.limiter.check(context.switchToHttp().getRequest<Exchange>());
  }
}
