import { type AuthConfig } from '#config';
import { otherReadingsOf, type Principal, type ReadablePath } from '#kernel';
import { PathIndex } from '#rate-limit';
import { Demands } from './demands.js';
import { type Roles } from './roles.js';

export interface CoveringRule {
  /** As it stands in the list, from 1. */
  readonly number: number;
  readonly path: string;
  readonly methods: readonly string[];
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

export interface RulesExplained {
  /** The path, in a way in which it can be read. */
  readonly path: string;
  /** null: no rule covers the path, or none of those that do names the method. */
  readonly rule: CoveringRule | null;
  readonly reason: string;
}

interface PathRule {
  readonly order: number;
  readonly declared: AuthConfig['rbac']['rules'][number];
  /** null: all. */
  readonly methods: ReadonlySet<string> | null;
  readonly demands: Demands;
}

/**
 * Who may go where: the first rule that fits path and method decides, and a path that any rule covers is closed to methods
 * that none of them names.
 *
 * A path that can be read in several ways is judged in each, and each has to let it in.
 */
export class PathRules {
  private readonly index: PathIndex<PathRule>;
  private readonly empty: boolean;

  constructor(rules: AuthConfig['rbac']['rules'], roles: Roles) {
    this.empty = rules.length === 0;
    this.index = new PathIndex(
      rules.map((declared, order) => {
        const { path, methods, ...lists } = declared;
        const demands = new Demands(lists, roles);
        return [
          path,
          { order, declared, methods: methods.length === 0 ? null : new Set<string>(methods), demands },
        ] as const;
      }),
    );
  }

  cover({ path, otherReadings }: ReadablePath): boolean {
    return !this.empty && (this.index.has(path) || otherReadings.some((reading) => this.index.has(reading)));
  }

  /** What keeps the caller out, in words; null: nothing. */
  missing(principal: Principal, method: string, { path, otherReadings }: ReadablePath): string | null {
    if (this.empty) return null;
    let missing = this.missingFor(principal, method, path);
    for (let i = 0; missing === null && i < otherReadings.length; i++) {
      missing = this.missingFor(principal, method, otherReadings[i] ?? '');
    }
    return missing;
  }

  private missingFor(principal: Principal, method: string, path: string): string | null {
    const rule = this.deciding(method, path);
    return rule === 'none'
      ? null
      : rule === 'closed'
        ? 'No rule lets this method in here.'
        : rule.demands.missing(principal);
  }

  private deciding(method: string, path: string): PathRule | 'none' | 'closed' {
    const rules: PathRule[] = [];
    this.index.forEach(path, (rule) => rules.push(rule));
    if (rules.length === 0) return 'none';
    const fitting = rules.filter(({ methods }) => methods?.has(method) !== false);
    const [first, ...others] = fitting;
    return first === undefined ? 'closed' : others.reduce((a, b) => (b.order < a.order ? b : a), first);
  }

  /** Which rule decides, for each way in which the path can be read. */
  explain(method: string, path: string): RulesExplained[] {
    return [path, ...otherReadingsOf(path)].map((reading): RulesExplained => {
      const rule = this.deciding(method, reading);
      if (rule === 'none') return { path: reading, rule: null, reason: 'no rule covers this path' };
      if (rule === 'closed') {
        const reason = `rules cover this path and none of them names ${method}: nobody may, whoever it is`;
        return { path: reading, rule: null, reason };
      }
      const { path: covered, methods, roles, permissions } = rule.declared;
      const number = rule.order + 1;
      const reason = `rule ${number} (${covered}) is the first that covers this path and method`;
      return { path: reading, rule: { number, path: covered, methods, roles, permissions }, reason };
    });
  }
}
