import { type DynamicModule, Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { type Clock } from '#kernel';
import { CREDENTIAL_HEADERS, type CredentialHeaders } from './address.guard.js';
import { FailedCredentials } from './failed-credentials.js';
import { RateLimiter } from './rate-limiter.js';
import { type RuleSet } from './rules/rule-set.js';
import { MemoryStore } from './stores/memory-store.js';
import { QuotaLedger, type QuotaRows } from './stores/quota-ledger.js';
import { type BreakerState } from './stores/redis/breaker.js';
import { LeasedStore } from './stores/redis/leased-store.js';
import { type RedisCommands } from './stores/redis/limiter-script.js';
import { RedisStore } from './stores/redis/redis-store.js';
import { LimitUsage } from './usage/limit-usage.js';

export interface RateLimitOptions {
  /** Of the configuration that is served now. */
  readonly rules: () => RuleSet;
  /** null: no Redis is configured. */
  readonly redis: RedisCommands | null;
  /** How many instances live, as far as is known; it must be known while Redis is away. */
  readonly instances: () => number;
  readonly credentialHeaders: CredentialHeaders;
  /** Where quotas of the calendar outlast the process when it counts them itself. */
  readonly quotas: QuotaRows;
  readonly clock: Clock;
}

interface RateLimitRegistration {
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly inject: unknown[];
  readonly useFactory: (...injected: never[]) => RateLimitOptions;
}

const OPTIONS = Symbol('RATE_LIMIT_OPTIONS');

/** The limits, for whoever puts `AddressGuard` and `RateLimitGuard` on a controller. */
@Module({})
export class RateLimitModule {
  static register({ imports, inject, useFactory }: RateLimitRegistration): DynamicModule {
    return {
      module: RateLimitModule,
      imports,
      providers: [
        { provide: OPTIONS, useFactory, inject: inject as never[] },
        {
          provide: MemoryStore,
          useFactory: ({ clock }: RateLimitOptions) => new MemoryStore(clock),
          inject: [OPTIONS],
        },
        {
          provide: QuotaLedger,
          useFactory: ({ rules, quotas, clock }: RateLimitOptions, memory: MemoryStore) =>
            new QuotaLedger({ rows: quotas, memory, rules: () => rules().byName, now: () => clock.now() }),
          inject: [OPTIONS, MemoryStore],
        },
        {
          provide: RateLimiter,
          useFactory: (options: RateLimitOptions, memory: MemoryStore, ledger: QuotaLedger) =>
            new RateLimiter(options.rules, { memory, ...sharedStores(options) }, ledger),
          inject: [OPTIONS, MemoryStore, QuotaLedger],
        },
        {
          provide: LimitUsage,
          useFactory: ({ clock }: RateLimitOptions) => new LimitUsage(() => clock.now()),
          inject: [OPTIONS],
        },
        {
          provide: FailedCredentials,
          useFactory: ({ clock }: RateLimitOptions, limiter: RateLimiter, memory: MemoryStore) =>
            new FailedCredentials(() => limiter.store(), memory, clock),
          inject: [OPTIONS, RateLimiter, MemoryStore],
        },
        {
          provide: CREDENTIAL_HEADERS,
          useFactory: ({ credentialHeaders }: RateLimitOptions) => credentialHeaders,
          inject: [OPTIONS],
        },
      ],
      exports: [RateLimiter, FailedCredentials, LimitUsage, CREDENTIAL_HEADERS],
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
  if (state === 'closed') logger.warn('limits are counted in Redis again');
  else logger.warn(`Redis is away (${reason}): ${MEANWHILE[choice]} until it is back`);
}

const MEANWHILE = {
  local: 'each instance enforces its share of the limits',
  allow: 'no limits are enforced',
  deny: 'requests under a limit are refused',
} as const;
