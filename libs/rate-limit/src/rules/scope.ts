import { type RateLimitRule } from '#config';
import { type Exchange } from '#kernel';
import { compileHeaders, type HeaderTest } from './header-test.js';

/** For which requests a rule is, its path aside. */
export interface RuleScope {
  /** null: all. */
  readonly methods: ReadonlySet<string> | null;
  readonly consumers: ReadonlySet<string> | null;
  readonly roles: ReadonlySet<string> | null;
  readonly plans: ReadonlySet<string> | null;
  readonly headers: readonly HeaderTest[];
}

export function compileScope({ methods, match }: Pick<RateLimitRule, 'methods' | 'match'>): RuleScope {
  return {
    methods: setOf(methods),
    consumers: setOf(match.consumer),
    roles: setOf(match.roles),
    plans: setOf(match.plan),
    headers: compileHeaders(match.header),
  };
}

function setOf(values: readonly string[]): ReadonlySet<string> | null {
  return values.length === 0 ? null : new Set(values);
}

/** All that is given must fit; within one, any entry does. */
export function covers(scope: RuleScope, exchange: Exchange): boolean {
  const { principal, req } = exchange;
  if (scope.methods && !scope.methods.has(req.method ?? '')) return false;
  if (scope.consumers && !(principal && scope.consumers.has(principal.consumer))) return false;
  if (scope.roles && !hasOneOf(principal?.roles, scope.roles)) return false;
  if (scope.plans && !(principal?.plan != null && scope.plans.has(principal.plan))) return false;
  return scope.headers.every((test) => test(req.headers));
}

export function hasOneOf(roles: readonly string[] | undefined, wanted: ReadonlySet<string>): boolean {
  if (roles !== undefined) for (const role of roles) if (wanted.has(role)) return true;
  return false;
}
