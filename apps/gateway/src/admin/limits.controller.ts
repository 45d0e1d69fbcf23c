import { Controller, Delete, Get, Param, Query, UseGuards } from '@nestjs/common';
import { type FieldError, Refusal } from '#kernel';
import { RequestRecorder } from '#monitoring';
import { FailedCredentials, LimitUsage, RateLimiter } from '#rate-limit';
import { AdminGuard } from './admin.guard.js';
import { Needs } from './needs.js';

const MOST = 1_000;

/** What the limits are doing now: who is refused, how much of what is used up, and a way to let somebody in again. */
@Controller('api/admin/limits')
@UseGuards(AdminGuard)
export class LimitsController {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly usage: LimitUsage,
    private readonly failed: FailedCredentials,
    private readonly records: RequestRecorder,
  ) {}

  /** Of every rule how often it was asked by this instance; with `key`, what that key has used of each rule. */
  @Get('usage')
  @Needs('read:rate-limit-rules')
  async all(@Query('key') key?: string | string[], @Query('rule') rule?: string | string[]) {
    const [wanted, named] = [once('key', key), once('rule', rule)];
    this.checkRule(named);
    this.records.drain();
    const rules = [...this.usage.rules]
      .filter(([name]) => named === null || name === named)
      .map(([name, counts]) => ({ rule: name, ...counts }));
    const keys = wanted === null ? [] : await this.limiter.usageOf(wanted, named);
    if (keys === null) {
      throw new Refusal('store_unavailable', 'The store of the limits cannot be asked at the moment.');
    }
    return { store: storeOf(this.limiter), rules, keys };
  }

  /** The keys that were refused most by this instance, in the last half hour to hour. */
  @Get('top')
  @Needs('read:rate-limit-rules')
  top(@Query('limit') limit: string | string[] = '20') {
    const most = typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
    if (most < 1 || most > MOST) invalid([{ path: 'limit', message: `must be a number from 1 to ${MOST}` }]);
    this.records.drain();
    const { since, keys } = this.usage.top(most);
    return { since: new Date(since).toISOString(), items: keys, nextCursor: null };
  }

  /** The key has its whole limit again: of all rules, or of one. An address may also try credentials again. */
  @Delete('keys/:key')
  @Needs('write:rate-limit-rules')
  async reset(@Param('key') key: string, @Query('rule') rule?: string | string[]) {
    const named = once('rule', rule);
    this.checkRule(named);
    const rules = await this.limiter.reset(key, named);
    const told = named !== null || (await this.failed.forget(key));
    if (rules === null || !told)
      throw new Refusal('store_unavailable', 'The store of the limits cannot be asked at the moment.');
    return { key, rules };
  }

  private checkRule(rule: string | null): void {
    if (rule !== null && !this.limiter.ruleNames.includes(rule)) {
      invalid([{ path: 'rule', message: `no rule is called ${JSON.stringify(rule)}` }]);
    }
  }
}

function storeOf({ state }: RateLimiter) {
  return { ...state, since: new Date(state.since).toISOString() };
}

function once(name: string, value: string | string[] | undefined): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && value !== '') return value;
  return invalid([{ path: name, message: 'must be given once, and not be empty' }]);
}

function invalid(errors: readonly FieldError[]): never {
  throw new Refusal('validation_failed', 'The question cannot be answered.', undefined, errors);
}
