import { type IncomingHttpHeaders } from 'node:http';
import { type ConsumerConfig, type RateLimitingConfig, type RateLimitRule, type RouteConfig } from '#config';
import { type Exchange, otherReadingsOf } from '#kernel';
import { ALGORITHMS, grainOf, type Limit } from '../algorithms/index.js';
import { Check } from '../stores/check.js';
import { Bypass } from './bypass.js';
import { costBefore, smallestCost } from './cost.js';
import { explainRules, type RuleExplanation } from './explain-rules.js';
import { keyOf } from './key.js';
import { PathIndex } from './path-index.js';
import { type Rule } from './rule.js';
import { compileScope, covers } from './scope.js';
import { moreSpecificFirst, specificityOf } from './specificity.js';

/** What is needed of consumers: who has limits of its own. */
export type LimitedConsumer = Pick<ConsumerConfig, 'name' | 'limits'>;

const NO_CHECKS: readonly Check[] = Object.freeze([]);

export type LimitSettings = Pick<RateLimitingConfig, 'store' | 'onStoreFailure' | 'accuracy' | 'headers'>;

/**
 * All limits of a configuration, compiled. For a request these match: every rule of `rateLimiting.rules` that does, and the
 * route's own. Where a route says nothing and no rule matches, the default does. Of those that match `apply` chooses. A
 * path that upstreams may read in several ways is judged in each, and has to keep what applies to any of them.
 */
export class RuleSet {
  readonly settings: LimitSettings;
  /** Each rule by its name. */
  readonly byName: ReadonlyMap<string, Rule>;
  private readonly onlyMostSpecific: boolean;
  private readonly rules: PathIndex<Rule>;
  private readonly ofRoutes = new Map<string, PathIndex<Rule>>();
  private readonly fallback: Rule | null;
  private readonly bypass: Bypass;
  private readonly empty: boolean;

  constructor(
    config: RateLimitingConfig,
    routes: readonly Pick<RouteConfig, 'name' | 'rateLimit'>[],
    consumers: readonly LimitedConsumer[] = [],
  ) {
    this.settings = config;
    this.onlyMostSpecific = config.apply === 'most-specific';
    this.bypass = new Bypass(config.bypass);
    const own = ownLimits(consumers);
    const byName = new Map<string, Rule>();
    const compiled = (rule: RateLimitRule, ofRoute: boolean): Rule => {
      const result = compileRule(rule, byName.size, ofRoute, own.get(rule.name));
      byName.set(rule.name, result);
      return result;
    };
    const index = (rules: readonly RateLimitRule[], ofRoute: boolean): PathIndex<Rule> =>
      new PathIndex(rules.map((rule) => [rule.path, compiled(rule, ofRoute)] as const));
    this.rules = index(config.rules, false);
    for (const { name, rateLimit } of routes) if (rateLimit !== null) this.ofRoutes.set(name, index(rateLimit, true));
    this.fallback = config.default && compiled(config.default, false);
    this.byName = byName;
    this.empty = byName.size === 0;
  }

  /** The rules for a path, and whether they count a request there; of bypass and `apply` nothing is said. */
  explain(request: {
    readonly method: string;
    readonly path: string;
    readonly route: string;
    readonly headers: IncomingHttpHeaders;
  }): RuleExplanation[] {
    const { method, path, route, headers } = request;
    const own = this.ofRoutes.get(route);
    const readings = [path, ...otherReadingsOf(path)].map((reading) => {
      const found: Rule[] = [];
      this.rules.forEach(reading, (rule) => found.push(rule));
      own?.forEach(reading, (rule) => found.push(rule));
      return found;
    });
    return explainRules(readings, own === undefined ? this.fallback : null, method, headers);
  }

  /** What has to be asked for this request, in the order of the file. */
  checksFor(exchange: Exchange): readonly Check[] {
    if (this.empty || this.bypass.covers(exchange)) return NO_CHECKS;
    let applying = this.applying(exchange, exchange.path);
    if (exchange.otherReadings.length > 0) applying = this.withOtherReadings(applying, exchange);
    return applying.map((rule) => checkOf(rule, exchange));
  }

  private applying(exchange: Exchange, path: string): readonly Rule[] {
    const found: Rule[] = [];
    const collect = (rule: Rule): void => {
      if (covers(rule.scope, exchange)) found.push(rule);
    };
    this.rules.forEach(path, collect);
    const own = this.ofRoutes.get(exchange.route?.name ?? '');
    own?.forEach(path, collect);
    if (found.length === 0 && own === undefined && this.fallback) found.push(this.fallback);
    if (found.length > 1) found.sort(byOrder);
    return this.onlyMostSpecific && found.length > 1 ? withMostSpecific(found) : found;
  }

  private withOtherReadings(applying: readonly Rule[], exchange: Exchange): readonly Rule[] {
    const all = exchange.otherReadings.flatMap((reading) => this.applying(exchange, reading));
    return [...new Set([...applying, ...all])].sort(byOrder);
  }
}

function byOrder(a: Rule, b: Rule): number {
  return a.order - b.order;
}

/** The most specific enforced rule, and all that are in shadow: these refuse nothing, and are there to be compared. */
function withMostSpecific(found: readonly Rule[]): readonly Rule[] {
  let best: Rule | undefined;
  for (const rule of found) {
    if (rule.shadow) continue;
    if (best === undefined || moreSpecificFirst(rule.specificity, best.specificity) < 0) best = rule;
  }
  return found.filter((rule) => rule.shadow || rule === best);
}

function checkOf(rule: Rule, exchange: Exchange): Check {
  const { principal } = exchange;
  const own = principal && rule.ofConsumers?.get(principal.consumer);
  const { key, cost } = own ?? rule;
  const need = costBefore(cost, exchange.req.headers);
  return new Check(own ?? rule, keyOf(key, exchange), need, cost.kind === 'response-header' ? 0 : need);
}

/** By the name of the rule, what consumers have in its place. */
function ownLimits(consumers: readonly LimitedConsumer[]): Map<string, Map<string, OwnLimit>> {
  const byRule = new Map<string, Map<string, OwnLimit>>();
  for (const { name, limits } of consumers) {
    for (const [rule, limit] of Object.entries(limits)) {
      const known = byRule.get(rule);
      if (known) known.set(name, limit);
      else byRule.set(rule, new Map([[name, limit]]));
    }
  }
  return byRule;
}

type OwnLimit = ConsumerConfig['limits'][string];

export function compileRule(
  config: RateLimitRule,
  order: number,
  ofRoute = false,
  own?: ReadonlyMap<string, OwnLimit>,
): Rule {
  const limit = limitOf(config);
  const label = `"${config.name.replace(/["\\]/g, '\\$&')}"`;
  const rule: Rule = {
    name: config.name,
    table: config.name,
    order,
    limit,
    cost: config.cost,
    key: config.key,
    scope: compileScope(config),
    specificity: specificityOf(config, ofRoute),
    ofConsumers: null,
    shadow: config.mode === 'shadow',
    label,
    policy: policyOf(label, limit),
  };
  if (own === undefined) return rule;
  return { ...rule, ofConsumers: new Map([...own].map(([consumer, its]) => [consumer, ownRule(rule, config, its)])) };
}

/** It counts for the consumer alone, whatever the rule counts by: what others did under the same key is not its affair. */
function ownRule(rule: Rule, config: RateLimitRule, { limit: most, window, burst }: OwnLimit): Rule {
  const limit = limitOf({
    ...config,
    limit: most,
    window: window ?? config.window,
    burst: config.burst === null ? null : (burst ?? most),
  });
  const alone = rule.key.some(({ kind }) => kind === 'consumer' || kind === 'auto');
  const lifetime = ALGORITHMS[limit.algorithm].memory(limit);
  return {
    ...rule,
    limit,
    key: alone ? rule.key : [{ kind: 'consumer' }, ...rule.key],
    table: lifetime === ALGORITHMS[limit.algorithm].memory(rule.limit) ? rule.name : `${rule.name} ${lifetime}`,
    policy: policyOf(rule.label, limit),
  };
}

function limitOf(config: RateLimitRule): Limit {
  const { algorithm, period } = config;
  const window = config.window * 1000;
  return {
    algorithm,
    limit: config.limit,
    window,
    period,
    capacity: algorithm === 'token-bucket' ? (config.burst ?? config.limit) : config.limit,
    grain: algorithm === 'sliding-window' ? grainOf(config.limit, smallestCost(config.cost), window) : 1,
  };
}

/** The draft knows whole seconds only; a window that is none, or now this long and now that, is left out. */
function policyOf(label: string, { limit, window, period }: Limit): string {
  return window % 1e6 === 0 && period !== 'month' ? `${label};q=${limit};w=${window / 1e6}` : `${label};q=${limit}`;
}
