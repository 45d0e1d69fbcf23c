import { type OnApplicationShutdown } from '@nestjs/common';
import { type Exchange, formatDuration, Refusal } from '#kernel';
import { dropLimitFields, limitHeaders, retryAfter } from './headers.js';
import { costAfter } from './rules/cost.js';
import { type RuleSet } from './rules/rule-set.js';
import { type Check } from './stores/check.js';
import { type LimiterStore, type Verdict } from './stores/limiter-store.js';
import { type RedisStore } from './stores/redis/redis-store.js';

export interface Stores {
  readonly memory: LimiterStore;
  /** null: no Redis is configured. */
  readonly redis: RedisStore | null;
  readonly leased: LimiterStore | null;
}

export interface LimiterState {
  readonly store: 'memory' | 'redis';
  readonly state: 'available' | 'away';
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Why it is away. */
  readonly reason: string;
}

/** Decides for each exchange whether its limits admit it. */
export class RateLimiter implements OnApplicationShutdown {
  private readonly startedAt = Date.now();

  constructor(
    private readonly rules: () => RuleSet,
    private readonly stores: Stores,
  ) {}

  /** Throws the refusal; a promise only when a store somewhere else has to be asked. */
  check(exchange: Exchange): true | Promise<true> {
    const rules = this.rules();
    const checks = rules.checksFor(exchange);
    if (checks.length === 0) return true;
    const verdict = this.store(rules).check(checks);
    if (typeof verdict === 'string') return this.conclude(exchange, rules, checks, verdict);
    return verdict.then((later) => this.conclude(exchange, rules, checks, later));
  }

  get state(): LimiterState {
    const { redis } = this.stores;
    if (!redis || this.rules().settings.store === 'memory') {
      return { store: 'memory', state: 'available', since: this.startedAt, reason: '' };
    }
    const { state, since, reason } = redis.state;
    return { store: 'redis', state: state === 'open' ? 'away' : 'available', since, reason };
  }

  /** What the current configuration counts in. */
  store({ settings }: RuleSet = this.rules()): LimiterStore {
    const { memory, redis, leased } = this.stores;
    if (settings.store === 'memory') return memory;
    return (settings.accuracy === 'leased' ? leased : redis) ?? memory;
  }

  onApplicationShutdown(): void {
    this.stores.redis?.stop();
  }

  private conclude(exchange: Exchange, rules: RuleSet, checks: readonly Check[], verdict: Verdict): true {
    if (verdict === 'unchecked') return true;
    if (verdict === 'unavailable') {
      throw new Refusal('limiter_unavailable', 'The limits that apply here cannot be checked at the moment.', {
        'Retry-After': '1',
      });
    }
    exchange.limits = checks;
    const fields = limitHeaders(checks, rules.settings.headers);
    if (fields.length > 0) {
      exchange.answerHeaders = [...exchange.answerHeaders, ...fields];
      exchange.onResponseHead = dropLimitFields;
    }
    if (verdict === 'refused') {
      exchange.rateLimited = true;
      throw refusalOf(checks);
    }
    if (checks.some(({ rule }) => rule.cost.kind === 'response-header')) {
      exchange.onResponseHead = (headers) => {
        this.chargeAfter(checks, headers);
        if (fields.length > 0) dropLimitFields(headers);
      };
    }
    return true;
  }

  private chargeAfter(checks: readonly Check[], headers: readonly string[]): void {
    for (const check of checks) {
      const { cost } = check.rule;
      if (cost.kind === 'response-header') this.store().charge(check, costAfter(cost.name, headers));
    }
  }
}

function refusalOf(checks: readonly Check[]): Refusal {
  const refused = checks.filter(({ allowed, rule }) => !allowed && !rule.shadow);
  const names = refused.map(({ rule, limit }) => {
    const { period, window } = rule.limit;
    return `"${rule.name}", ${limit} in ${period === null ? formatDuration(window / 1000) : `a calendar ${period}`}`;
  });
  const which = `${refused.length > 1 ? 'limits' : 'limit'} ${names.join(' and ')}`;
  const after = retryAfter(checks);
  if (after === undefined) {
    return new Refusal('rate_limited', `This request costs more than the ${which}, ever admits.`);
  }
  return new Refusal(
    'rate_limited',
    `The ${which}, ${refused.length > 1 ? 'are' : 'is'} used up. Try again in ${after} s.`,
    { 'Retry-After': String(after) },
  );
}
