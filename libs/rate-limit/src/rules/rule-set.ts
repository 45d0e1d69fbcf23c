import { type RateLimitingConfig, type RateLimitRule, type RouteConfig } from '#config';
import { type Exchange } from '#kernel';
import { grainOf, type Limit } from '../algorithms/index.js';
import { Check } from '../stores/check.js';
import { Bypass } from './bypass.js';
import { costBefore, smallestCost } from './cost.js';
import { keyOf } from './key.js';
import { PathIndex } from './path-index.js';
import { type Rule } from './rule.js';
import { compileScope, covers } from './scope.js';

const NO_CHECKS: readonly Check[] = Object.freeze([]);

export type LimitSettings = Pick<RateLimitingConfig, 'store' | 'onStoreFailure' | 'accuracy' | 'headers'>;

/**
 * All limits of a configuration, compiled. For a request these apply: every rule of `rateLimiting.rules` that matches, and
 * the route's own. Where a route says nothing and no rule matches, the default does.
 */
export class RuleSet {
  readonly settings: LimitSettings;
  private readonly rules: PathIndex<Rule>;
  private readonly ofRoutes = new Map<string, PathIndex<Rule>>();
  private readonly fallback: Rule | null;
  private readonly bypass: Bypass;
  private readonly empty: boolean;

  constructor(config: RateLimitingConfig, routes: readonly Pick<RouteConfig, 'name' | 'rateLimit'>[]) {
    this.settings = config;
    this.bypass = new Bypass(config.bypass);
    let order = 0;
    const index = (rules: readonly RateLimitRule[]): PathIndex<Rule> =>
      new PathIndex(rules.map((rule) => [rule.path, compileRule(rule, order++)] as const));
    this.rules = index(config.rules);
    for (const { name, rateLimit } of routes) if (rateLimit !== null) this.ofRoutes.set(name, index(rateLimit));
    this.fallback = config.default && compileRule(config.default, order);
    this.empty = order === 0 && this.fallback === null;
  }

  /** What has to be asked for this request, in the order of the file. */
  checksFor(exchange: Exchange): readonly Check[] {
    if (this.empty || this.bypass.covers(exchange)) return NO_CHECKS;
    const found: Rule[] = [];
    const collect = (rule: Rule): void => {
      if (covers(rule.scope, exchange)) found.push(rule);
    };
    this.rules.forEach(exchange.path, collect);
    const own = this.ofRoutes.get(exchange.route?.name ?? '');
    own?.forEach(exchange.path, collect);
    if (found.length === 0 && own === undefined && this.fallback) found.push(this.fallback);
    if (found.length > 1) found.sort((a, b) => a.order - b.order);
    return found.map((rule) => checkOf(rule, exchange));
  }
}

function checkOf(rule: Rule, exchange: Exchange): Check {
  const need = costBefore(rule.cost, exchange.req.headers);
  return new Check(rule, keyOf(rule.key, exchange), need, rule.cost.kind === 'response-header' ? 0 : need);
}

export function compileRule(config: RateLimitRule, order: number): Rule {
  const { name, algorithm } = config;
  const window = config.window * 1000;
  const limit: Limit = {
    algorithm,
    limit: config.limit,
    window,
    capacity: algorithm === 'token-bucket' ? (config.burst ?? config.limit) : config.limit,
    grain: algorithm === 'sliding-window' ? grainOf(config.limit, smallestCost(config.cost), window) : 1,
  };
  const label = `"${name.replace(/["\\]/g, '\\$&')}"`;
  return {
    name,
    order,
    limit,
    cost: config.cost,
    key: config.key,
    scope: compileScope(config),
    shadow: config.mode === 'shadow',
    label,
    policy: policyOf(label, limit),
  };
}

/** The draft knows whole seconds only; a window that is none is left out. */
function policyOf(label: string, { limit, window }: Limit): string {
  return window % 1e6 === 0 ? `${label};q=${limit};w=${window / 1e6}` : `${label};q=${limit}`;
}
