import { type OnApplicationShutdown } from '@nestjs/common';
import { type Exchange, formatDuration, Refusal } from '#kernel';
import { dropLimitFields, limitHeaders, retryAfter } from './headers.js';
import { costAfter } from './rules/cost.js';
import { type RuleSet } from './rules/rule-set.js';
import { Check } from './stores/check.js';
import { type LimiterStore, type Verdict } from './stores/limiter-store.js';
import { type QuotaLedger } from './stores/quota-ledger.js';
import { type RedisStore } from './stores/redis/redis-store.js';

export interface Stores {
  readonly memory: LimiterStore;
  /** null: no Redis is configured. */
  readonly redis: RedisStore | null;
  readonly leased: LimiterStore | null;
}

/** What one key has used of one rule. */
export interface KeyUsage {
  readonly rule: string;
  readonly key: string;
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** Seconds until there is more; 0: nothing is used. */
  readonly reset: number;
}

export interface LimiterState {
  readonly store: 'memory' | 'redis';
  /** `own`: each instance counts for itself. */
  readonly state: 'shared' | 'own' | 'away';
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
    private readonly ledger: QuotaLedger | null = null,
  ) {}

  /** The refusal, if it is refused; a promise only when a store somewhere else has to be asked. */
  check(exchange: Exchange): Refusal | null | Promise<Refusal | null> {
    const rules = this.rules();
    const checks = rules.checksFor(exchange);
    if (checks.length === 0) return null;
    const verdict = this.store(rules).check(checks);
    if (typeof verdict === 'string') return this.conclude(exchange, rules, checks, verdict);
    return verdict.then((later) => this.conclude(exchange, rules, checks, later));
  }

  get state(): LimiterState {
    const { redis } = this.stores;
    if (!redis || this.rules().settings.store === 'memory') {
      return { store: 'memory', state: 'own', since: this.startedAt, reason: '' };
    }
    const { state, since, reason } = redis.state;
    return { store: 'redis', state: state === 'open' ? 'away' : 'shared', since, reason };
  }

  get ruleNames(): readonly string[] {
    return [...this.rules().byName.keys()];
  }

  /** What a key has used of the rules, or of one; rules of which it has used nothing are left out. null: nobody can tell now. */
  async usageOf(key: string, only: string | null): Promise<KeyUsage[] | null> {
    const found: KeyUsage[] = [];
    for (const check of this.looks(key, only)) {
      const verdict = await this.store().check([check]);
      if (verdict === 'unchecked' || verdict === 'unavailable') return null;
      const { rule, remaining, renews } = check;
      const { capacity } = rule.limit;
      if (remaining >= capacity) continue;
      const reset = Math.ceil(renews / 1e6);
      found.push({ rule: rule.name, key, limit: capacity, used: capacity - remaining, remaining, reset });
    }
    return found;
  }

  /** The key has its whole limit again; answers the rules that were told. null: the store cannot be told now. */
  async reset(key: string, only: string | null): Promise<string[] | null> {
    const done: string[] = [];
    for (const check of this.looks(key, only)) {
      if (!(await this.store().forget(check))) return null;
      await this.ledger?.forget(check.rule, key);
      done.push(check.rule.name);
    }
    return done;
  }

  /** Asks that take nothing, of each rule as it holds for the key. */
  private looks(key: string, only: string | null): Check[] {
    const rules = [...this.rules().byName.values()].filter(({ name }) => only === null || name === only);
    const consumer = key.split(',').find((part) => part.startsWith('consumer='));
    return rules.map((rule) => new Check(rule.ofConsumers?.get(consumer?.slice(9) ?? '') ?? rule, key, 0, 0));
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

  private conclude(exchange: Exchange, rules: RuleSet, checks: readonly Check[], verdict: Verdict): Refusal | null {
    if (verdict === 'unchecked') return null;
    if (verdict === 'unavailable') {
      return new Refusal('limiter_unavailable', 'The limits that apply here cannot be checked at the moment.', {
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
      return refusalOf(checks);
    }
    if (checks.some(({ rule }) => rule.cost.kind === 'response-header')) {
      exchange.onResponseHead = (headers) => {
        this.chargeAfter(checks, headers);
        if (fields.length > 0) dropLimitFields(headers);
      };
    }
    return null;
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
