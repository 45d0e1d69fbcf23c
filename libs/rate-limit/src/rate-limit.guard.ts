import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { type Exchange, type Refusal } from '#kernel';
import { RateLimiter } from './rate-limiter.js';

/**
 * Refuses what exceeds its limits, and leaves the reason on the exchange: to throw it would cost a tenth of the answer, and
 * refusals come in floods.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(private readonly limiter: RateLimiter) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const exchange = context.getArgByIndex<Exchange>(0);
    const refusal = this.limiter.check(exchange);
    return refusal instanceof Promise ? refusal.then((later) => admits(exchange, later)) : admits(exchange, refusal);
  }
}

function admits(exchange: Exchange, refusal: Refusal | null): boolean {
  exchange.refusal = refusal;
  return refusal === null;
}
