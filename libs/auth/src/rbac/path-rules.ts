import { type AuthConfig } from '#config';
import { type Principal } from '#kernel';
import { PathIndex } from '#rate-limit';
import { Demands } from './demands.js';
import { type Roles } from './roles.js';

interface PathRule {
  readonly order: number;
  /** null: all. */
  readonly methods: ReadonlySet<string> | null;
  readonly demands: Demands;
}

/**
 * Who may go where: the first rule that fits path and method decides, and a path that any rule covers is closed to methods
 * that none of them names.
 *
 * An upstream may read `%2F` as a slash or cut off `;parameters`. A path that has such things is judged in each way that it
 * can be read, and each has to let it in.
 */
export class PathRules {
  private readonly index: PathIndex<PathRule>;
  private readonly empty: boolean;

  constructor(rules: AuthConfig['rbac']['rules'], roles: Roles) {
    this.empty = rules.length === 0;
    this.index = new PathIndex(
      rules.map(({ path, methods, ...lists }, order) => {
        const demands = new Demands(lists, roles);
        return [path, { order, methods: methods.length === 0 ? null : new Set<string>(methods), demands }] as const;
      }),
    );
  }

  cover(path: string): boolean {
    return !this.empty && readingsOf(path).some((reading) => this.index.has(reading));
  }

  /** What keeps the caller out, in words; null: nothing. */
  missing(principal: Principal, method: string, path: string): string | null {
    if (this.empty) return null;
    for (const reading of readingsOf(path)) {
      const missing = this.missingFor(principal, method, reading);
      if (missing !== null) return missing;
    }
    return null;
  }

  private missingFor(principal: Principal, method: string, path: string): string | null {
    const rules: PathRule[] = [];
    this.index.forEach(path, (rule) => rules.push(rule));
    if (rules.length === 0) return null;
    const fitting = rules.filter(({ methods }) => methods?.has(method) !== false);
    const [first, ...others] = fitting;
    if (first === undefined) return 'No rule lets this method in here.';
    return others.reduce((a, b) => (b.order < a.order ? b : a), first).demands.missing(principal);
  }
}

const AMBIGUOUS = /%2f|%5c|%3b|[;\\]|\/\//i;

function readingsOf(path: string): readonly string[] {
  if (!AMBIGUOUS.test(path)) return [path];
  const decoded = path.replace(/%2f|%5c|\\/gi, '/').replace(/%3b/gi, ';');
  const readings = [path, decoded, withoutParameters(path), withoutParameters(decoded)];
  return [...new Set(readings.map((reading) => reading.replace(/\/{2,}/g, '/')))];
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, '');
}
