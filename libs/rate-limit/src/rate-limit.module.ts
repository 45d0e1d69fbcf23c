import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { type Clock } from '#kernel';
import { CREDENTIAL_HEADERS, type CredentialHeaders } from './address.guard.js';
import { FailedCredentials } from './failed-credentials.js';
import { RateLimiter } from './rate-limiter.js';
import { type RuleSet } from './rules/rule-set.js';
import { MemoryStore } from './stores/memory-store.js';
import { type BreakerState } from './stores/redis/breaker.js';
import { LeasedStore } from './stores/redis/leased-store.js';
import { type RedisCommands } from './stores/redis/limiter-script.js';
import { RedisStore } from './stores/redis/redis-store.js';

export interface RateLimitOptions {
  /** Of the configuration that is served now. */
  readonly rules: () => RuleSet;
  /** null: no Redis is configured. */
  readonly redis: RedisCommands | null;
  /** How many instances live, as far as is known; at least 1. */
  readonly instances: () => number;
  readonly credentialHeaders: CredentialHeaders;
  readonly clock: Clock;
}

/** The limits, for whoever puts `AddressGuard` and `RateLimitGuard` on a controller. */
@Module({})
export class RateLimitModule {
  static register(options: RateLimitOptions): DynamicModule {
    const { rules, clock, credentialHeaders } = options;
    const memory = new MemoryStore(clock);
    const limiter = new RateLimiter(rules, { memory, ...sharedStores(options) });
    return {
      module: RateLimitModule,
      providers: [
        { provide: RateLimiter, useValue: limiter },
        { provide: FailedCredentials, useValue: new FailedCredentials(() => limiter.store(), memory, clock) },
        { provide: CREDENTIAL_HEADERS, useValue: credentialHeaders },
      ],
      exports: [RateLimiter, FailedCredentials, CREDENTIAL_HEADERS],
    };
  }
}

function sharedStores({ redis: commands, rules, clock, instances }: RateLimitOptions): {
  redis: RedisStore | null;
  leased: LeasedStore | null;
} {
  if (!commands) return { redis: null, leased: null };
  const redis = new RedisStore({
    redis: commands,
    clock,
    instances,
    onFailure: () => rules().settings.onStoreFailure,
    onChange: (state) => tell(state, rules().settings.onStoreFailure),
  });
  return { redis, leased: new LeasedStore(redis, clock, instances) };
}

const logger = new Logger('RateLimit');

function tell({ state, reason }: BreakerState, choice: 'local' | 'allow' | 'deny'): void {
  if (state === 'closed') logger.log('limits are counted in Redis again');
  else logger.warn(`Redis is away (${reason}): ${MEANWHILE[choice]} until it is back`);
}

const MEANWHILE = {
  local: 'each instance enforces its share of the limits',
  allow: 'no limits are enforced',
  deny: 'requests under a limit are refused',
} as const;
