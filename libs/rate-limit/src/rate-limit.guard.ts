import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { admits, type Exchange } from '#kernel';
import { RateLimiter } from './rate-limiter.js';

/** Refuses what exceeds its limits. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(private readonly limiter: RateLimiter) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const exchange = context.getArgByIndex<Exchange>(0);
    return admits(exchange, this.limiter.check(exchange));
  }
}
