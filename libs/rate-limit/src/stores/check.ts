import { type LimitUse } from '#kernel';
import { type Rule } from '../rules/rule.js';

/** One rule asked about one key for one request. A store fills in what it found. */
export class Check implements LimitUse {
  allowed = true;
  /** Whole tokens that are free afterwards. */
  remaining = 0;
  /** Microseconds until more is free; 0: all is. */
  renews = 0;
  /** Microseconds until the request would be admitted; 0 when it was; Infinity: never. */
  wait = 0;

  constructor(
    readonly rule: Rule,
    readonly key: string,
    /** Free tokens that it takes to be admitted. */
    readonly need: number,
    /** Tokens that are taken then; 0 when the cost is only known later. */
    readonly take: number,
  ) {}

  get limit(): number {
    return this.rule.limit.limit;
  }

  set(allowed: boolean, remaining: number, renews: number, wait: number): void {
    this.allowed = allowed;
    this.remaining = remaining;
    this.renews = renews;
    this.wait = wait;
  }
}

/** The rules that refuse are those that are enforced; what they say counts only all together. */
export function isAdmitted(checks: readonly Check[]): boolean {
  for (const check of checks) if (!check.allowed && !check.rule.shadow) return false;
  return true;
}
