import { type RateLimitRule } from '#config';

/** Compared number by number, from the first on; the larger one is more specific. */
export type Specificity = readonly number[];

/**
 * How narrowly a rule is meant. What it is about counts before who asks: a limit on `/login` must not be lifted by a wide
 * one for a plan. So, in this order:
 *  1. a rule of the route before one of `rateLimiting.rules`
 *  2. one path before everything below a path, and then the longer path
 *  3. consumers, roles, plans: who is named by name before who shares a role, and that before a plan
 *  4. more header fields
 *  5. methods before none
 * What is equal then is decided by the order of the file: the first.
 */
export function specificityOf({ path, methods, match }: RateLimitRule, ofRoute: boolean): Specificity {
  const below = path.endsWith('/*');
  const literal = below ? path.slice(0, -2) : path.replace(/(?<=.)\/$/, '');
  const caller =
    (match.consumer.length > 0 ? 4 : 0) + (match.roles.length > 0 ? 2 : 0) + (match.plan.length > 0 ? 1 : 0);
  return [
    ofRoute ? 1 : 0,
    below ? 0 : 1,
    literal.length,
    caller,
    Object.keys(match.header).length,
    methods.length > 0 ? 1 : 0,
  ];
}

/** Negative: `a` comes first. */
export function moreSpecificFirst(a: Specificity, b: Specificity): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (b[index] ?? 0) - (a[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
