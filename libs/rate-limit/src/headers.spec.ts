import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseList } from 'structured-headers';
import { limitRule } from '#testing';
import { limitHeaders } from './headers.js';
import { compileRule } from './rules/rule-set.js';
import { Check } from './stores/check.js';

/** A check that found what it is told to have found. */
const found = fc
  .record({
    name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
    limit: fc.integer({ min: 1, max: 1_000_000_000 }),
    window: fc.integer({ min: 100, max: 400 * 86_400_000 }),
    shadow: fc.boolean(),
    allowed: fc.boolean(),
    remaining: fc.integer({ min: 0, max: 1_000_000_000 }),
    renews: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 * 86_400_000_000 })),
  })
  .map(({ name, limit, window, shadow, allowed, remaining, renews }) => {
    const rule = compileRule(limitRule({ name, limit, window, mode: shadow ? 'shadow' : 'enforce' }), 0);
    const check = new Check(rule, 'ip=192.0.2.1', 1, 1);
    check.set(allowed, remaining, renews, allowed ? 0 : renews);
    return check;
  });

describe('the fields of the draft', () => {
  it('are lists of strings with whole numbers to an independent parser, one item for each enforced rule', () => {
    fc.assert(
      fc.property(fc.array(found, { minLength: 1, maxLength: 4 }), (checks) => {
        const fields = limitHeaders(checks, ['draft']);
        const enforced = checks.filter(({ rule }) => !rule.shadow);
        if (enforced.length === 0) {
          expect(fields).toEqual([]);
          return;
        }
        const [policyName, policy = '', limitName, limit = ''] = fields;
        expect([policyName, limitName]).toEqual(['RateLimit-Policy', 'RateLimit']);
        const expectedPolicies = enforced.map(({ rule: { name, limit } }) => {
          const parameters: [string, number][] = [['q', limit.limit]];
          if (limit.window % 1e6 === 0) parameters.push(['w', limit.window / 1e6]);
          return [name, new Map(parameters)];
        });
        expect(parseList(policy)).toEqual(expectedPolicies);
        const limits = parseList(limit);
        const byName = (a: readonly unknown[], b: readonly unknown[]): number =>
          String(a[0]).localeCompare(String(b[0]));
        const expectedLimits = enforced.map(({ rule, remaining, renews }) => {
          const parameters: [string, number][] = [['r', remaining]];
          if (renews > 0) parameters.push(['t', Math.ceil(renews / 1e6)]);
          return [rule.name, new Map(parameters)];
        });
        if (new Set(enforced.map(({ rule }) => rule.name)).size === enforced.length) {
          expect([...limits].sort(byName)).toEqual(expectedLimits.sort(byName));
        } else expect(limits).toHaveLength(enforced.length);
      }),
    );
  });

  it('begin with the rule that refused, else with the one that has least left', () => {
    fc.assert(
      fc.property(fc.array(found, { minLength: 2, maxLength: 4 }), (checks) => {
        const enforced = checks.filter(({ rule }) => !rule.shadow);
        const fields = limitHeaders(checks, ['draft', 'legacy']);
        fc.pre(enforced.length > 0);
        const parameters = parseList(fields[3] ?? '')[0]?.[1];
        const refused = enforced.filter(({ allowed }) => !allowed);
        const candidates = refused.length > 0 ? refused : enforced;
        const left: unknown = parameters?.get('r');
        expect(candidates.map(({ remaining }) => remaining)).toContain(left);
        if (refused.length === 0) expect(left).toBe(Math.min(...enforced.map(({ remaining }) => remaining)));
        expect(fields[fields.indexOf('X-RateLimit-Remaining') + 1]).toBe(String(left));
      }),
    );
  });
});
