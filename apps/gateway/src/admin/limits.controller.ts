import { Controller, Delete, Get, Param, Query, UseGuards } from '@nestjs/common';
import { Refusal } from '#kernel';
import { RequestRecorder } from '#monitoring';
import { FailedCredentials, LimitUsage, RateLimiter } from '#rate-limit';
import { AdminGuard } from './admin.guard.js';
import { RuleQuery, TopQuery, UsageQuery } from './limits-query.js';
import { Needs } from './needs.js';
import { readInto } from './query.js';

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
  async all(@Query() query: object) {
    const { key: wanted = null, rule: named = null } = readInto(UsageQuery, query);
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
  top(@Query() query: object) {
    const { limit } = readInto(TopQuery, query);
    this.records.drain();
    const { since, keys } = this.usage.top(limit);
    return { since: new Date(since).toISOString(), items: keys, nextCursor: null };
  }

  /** The key has its whole limit again: of all rules, or of one. An address may also try credentials again. */
  @Delete('keys/:key')
  @Needs('write:rate-limit-rules')
  async reset(@Param('key') key: string, @Query() query: object) {
    const { rule: named = null } = readInto(RuleQuery, query);
    this.checkRule(named);
    const rules = await this.limiter.reset(key, named);
    const told = named !== null || (await this.failed.forget(key));
    if (rules === null || !told)
      throw new Refusal('store_unavailable', 'The store of the limits cannot be asked at the moment.');
    return { key, rules };
  }

  private checkRule(rule: string | null): void {
    if (rule === null || this.limiter.ruleNames.includes(rule)) return;
    const message = `no rule is called ${JSON.stringify(rule)}`;
    throw new Refusal('validation_failed', `${message}.`, undefined, [{ path: 'rule', message }]);
  }
}

function storeOf({ state }: RateLimiter) {
  return { ...state, since: new Date(state.since).toISOString() };
}
