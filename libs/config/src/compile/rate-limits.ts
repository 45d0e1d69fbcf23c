import { type DeclaredRouteLimit, type DeclaredRule, rule as ruleSchema } from '../model/rate-limiting.js';
import { type Declared } from '../model/root.js';
import { type Path } from '../schema/schema.js';
import { type Checks } from './checks.js';
import { type RateLimitingConfig, type RateLimitRule } from './config.js';
import { derivedName } from './names.js';

type DeclaredRateLimiting = Declared['rateLimiting'];
type DeclaredDefault = NonNullable<DeclaredRateLimiting['default']>;

/** A rule with nothing said but what every rule has by default. */
const PLAIN = ruleSchema.blank;

/** Turns declared limits into rules with settled names and bursts. */
export class RateLimits {
  private readonly taken: Set<string>;
  private readonly rules = new Map<string, RateLimitRule>();

  constructor(
    private readonly declared: DeclaredRateLimiting,
    routes: Declared['gateway']['routes'],
    private readonly checks: Checks,
  ) {
    checks.unique(
      ['rateLimiting', 'rules'],
      'rule',
      declared.rules.map(({ name }) => name),
    );
    const written = [...declared.rules, ...routes.flatMap(({ rateLimit }) => rateLimit ?? [])];
    // Names that were chosen come first: a derived one steps aside.
    this.taken = new Set(written.flatMap(({ name }) => name ?? []));
    this.taken.add('default');
  }

  config(): RateLimitingConfig {
    const { default: usual, rules } = this.declared;
    const path = ['rateLimiting'];
    return {
      ...this.declared,
      default: usual && this.rule({ ...PLAIN, ...usual, name: 'default' }, [...path, 'default'], 'default'),
      rules: rules.map((rule, index) => {
        if (rule.name === 'default') {
          this.checks.wrong([...path, 'rules', index, 'name'], '"default" is what rateLimiting.default is called');
        }
        return this.rule(rule, [...path, 'rules', index], rule.path);
      }),
    };
  }

  /** The rules of a route; what they leave out is taken from `rateLimiting.default`. */
  ofRoute(route: string, declared: readonly DeclaredRouteLimit[] | null, path: Path): readonly RateLimitRule[] | null {
    if (declared === null) return null;
    const base = this.declared.default ?? PLAIN;
    return declared.map((rule, index) => {
      const at = declared.length === 1 ? path : [...path, index];
      return this.rule({ ...merged(rule, base) }, at, route);
    });
  }

  /** To be called when all rules are known. */
  checkConsumers(consumers: Declared['auth']['consumers']): void {
    const names = [...this.rules.keys()];
    for (const [index, { limits }] of consumers.entries()) {
      for (const [name, { window }] of Object.entries(limits)) {
        const path = ['auth', 'consumers', index, 'limits', name];
        const rule = this.rules.get(name);
        if (rule === undefined) {
          const near = this.checks.meant(name, names);
          this.checks.wrong(path, `no rule is called ${JSON.stringify(name)}`, {
            hint: near === undefined ? 'name a rule of rateLimiting.rules or of a route' : `did you mean ${near}?`,
          });
        } else if (rule.period !== null && window !== null) {
          this.checks.wrong([...path, 'window'], `the rule counts by the calendar ${rule.period}: leave it out`);
        }
      }
    }
  }

  private rule(declared: DeclaredRule, path: Path, nameFrom: string): RateLimitRule {
    const period = typeof declared.window === 'number' ? null : declared.window;
    const bucket = period === null && declared.algorithm === 'token-bucket';
    if (declared.burst !== null && !bucket) {
      const why = period === null ? `algorithm: ${declared.algorithm}` : `window: ${period}`;
      this.checks.warn([...path, 'burst'], `it has no effect with ${why}`);
    }
    const rule: RateLimitRule = {
      ...declared,
      name: declared.name ?? derivedName(nameFrom, this.taken),
      algorithm: period === null ? declared.algorithm : 'fixed-window',
      window: typeof declared.window === 'number' ? declared.window : LONGEST[declared.window],
      period,
      burst: bucket ? (declared.burst ?? declared.limit) : null,
    };
    this.rules.set(rule.name, rule);
    return rule;
  }
}

const DAY = 86_400_000;
const LONGEST = { day: DAY, month: 31 * DAY } as const;

function merged(rule: DeclaredRouteLimit, base: DeclaredDefault): DeclaredRule {
  const said = Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== null)) as Partial<DeclaredRule>;
  // A burst belongs to the limit that it was written for.
  const burst = rule.limit === null && rule.algorithm === null ? base.burst : null;
  return { ...PLAIN, ...base, burst, ...said, name: rule.name };
}
