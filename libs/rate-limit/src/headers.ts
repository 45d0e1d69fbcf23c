import { type RateLimitingConfig } from '#config';
import { type Check } from './stores/check.js';

type Styles = RateLimitingConfig['headers'];

const NONE: readonly string[] = Object.freeze([]);

/**
 * What a client is told of its limits: name, value, name, value, … `draft`: `RateLimit-Policy` with every rule, `RateLimit`
 * with what is left of each, the tightest first (draft-ietf-httpapi-ratelimit-headers-10). `legacy`: `X-RateLimit-*` of the
 * tightest. Rules in shadow are nobody's business.
 */
export function limitHeaders(checks: readonly Check[], styles: Styles): readonly string[] {
  const shown = checks.some(({ rule }) => rule.shadow) ? checks.filter(({ rule }) => !rule.shadow) : checks;
  const byTightness = shown.length > 1 ? [...shown].sort(tightestFirst) : shown;
  const [tightest] = byTightness;
  if (tightest === undefined) return NONE;
  const fields: string[] = [];
  if (styles.includes('draft')) {
    fields.push('RateLimit-Policy', shown.map(({ rule }) => rule.policy).join(', '));
    fields.push('RateLimit', byTightness.map(item).join(', '));
  }
  if (styles.includes('legacy')) {
    fields.push('X-RateLimit-Limit', String(tightest.limit));
    fields.push('X-RateLimit-Remaining', String(tightest.remaining));
    fields.push('X-RateLimit-Reset', String(seconds(tightest.renews)));
  }
  return fields;
}

/**
 * Takes the upstream's own limit fields out of its answer, in place, where ours stand: a client that reads two of a name,
 * or one of each kind, cannot tell which holds.
 */
export function dropLimitFields(fields: string[]): void {
  let kept = 0;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] ?? '';
    // r or x: of most names the first letter decides.
    const first = name.charCodeAt(0) | 0x20;
    if ((first === 0x72 || first === 0x78) && LIMIT_FIELD.test(name)) continue;
    fields[kept++] = name;
    fields[kept++] = fields[index + 1] ?? '';
  }
  fields.length = kept;
}

/** Of any draft, and the old ones. */
const LIMIT_FIELD = /^(?:x-)?ratelimit(?:-|$)/i;

/**
 * Whole seconds until the request would be admitted by all that refused it, and never before `RateLimit` promises more.
 * Undefined when no waiting helps, because it costs more than a limit ever has.
 */
export function retryAfter(checks: readonly Check[]): number | undefined {
  let longest = 1;
  for (const { allowed, rule, wait, renews } of checks) {
    if (!allowed && !rule.shadow) longest = Math.max(longest, seconds(wait), seconds(renews));
  }
  return Number.isFinite(longest) ? longest : undefined;
}

/** `"name";r=42;t=17`: what is left, and the seconds until there is more; without `t` when nothing is used. */
function item({ rule, remaining, renews }: Check): string {
  return renews > 0 ? `${rule.label};r=${remaining};t=${seconds(renews)}` : `${rule.label};r=${remaining}`;
}

function tightestFirst(a: Check, b: Check): number {
  if (a.allowed !== b.allowed) return a.allowed ? 1 : -1;
  if (!a.allowed && a.wait !== b.wait) return b.wait - a.wait;
  return a.remaining - b.remaining || b.renews - a.renews;
}

function seconds(microseconds: number): number {
  return Math.ceil(microseconds / 1e6);
}
