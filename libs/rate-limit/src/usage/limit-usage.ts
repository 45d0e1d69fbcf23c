import { type LimitUse } from '#kernel';
import { SpaceSaving } from './space-saving.js';

/** How often a rule was asked since the process began. */
export interface RuleCount {
  /** It is counted and never enforced, now. */
  shadow: boolean;
  checked: number;
  allowed: number;
  rejected: number;
  /** What a rule in shadow would have refused. */
  shadowRejected: number;
}

export interface RefusedKey {
  readonly key: string;
  readonly rule: string;
  readonly shadow: boolean;
  /** Refusals; too many by at most `error`. */
  readonly refused: number;
  readonly error: number;
}

interface Refused {
  readonly key: string;
  readonly rule: string;
  readonly shadow: boolean;
}

const KEYS = 1_000;
const SPAN_MS = 1_800_000;
const MOST_RULES = 10_000;

/**
 * What the limits said, gathered from the records of finished exchanges: the request path does nothing for it. Counts for
 * each rule, and the keys that were refused most in the last half hour to hour.
 */
export class LimitUsage {
  private readonly byRule = new Map<string, RuleCount>();
  private young = new SpaceSaving<Refused>(KEYS);
  private old = new SpaceSaving<Refused>(KEYS);
  private youngSince: number;
  private oldSince: number;

  constructor(private readonly now: () => number) {
    this.youngSince = this.oldSince = now();
  }

  read(records: readonly { readonly limits: readonly LimitUse[] }[], count: number): void {
    this.turn();
    for (let at = 0; at < count; at++) for (const use of records[at]?.limits ?? []) this.count(use);
  }

  /** The name of each rule that was asked, and its counts. */
  get rules(): ReadonlyMap<string, Readonly<RuleCount>> {
    return this.byRule;
  }

  /** The keys that were refused most since then. */
  top(most: number): { readonly since: number; readonly keys: RefusedKey[] } {
    this.turn();
    const sums = new Map<string, RefusedKey>();
    for (const { value, count, error } of [...this.young.top(KEYS), ...this.old.top(KEYS)]) {
      const id = idOf(value);
      const known = sums.get(id);
      sums.set(id, { ...value, refused: count + (known?.refused ?? 0), error: error + (known?.error ?? 0) });
    }
    const keys = [...sums.values()].sort((a, b) => b.refused - a.refused).slice(0, most);
    return { since: this.oldSince, keys };
  }

  private count({ rule, key, allowed }: LimitUse): void {
    let counts = this.byRule.get(rule.name);
    if (counts === undefined) {
      // Names come from the configuration: only one that is made anew for days on end gets here.
      if (this.byRule.size >= MOST_RULES) this.byRule.clear();
      this.byRule.set(
        rule.name,
        (counts = { shadow: rule.shadow, checked: 0, allowed: 0, rejected: 0, shadowRejected: 0 }),
      );
    }
    counts.checked++;
    counts.shadow = rule.shadow;
    if (allowed) {
      counts.allowed++;
      return;
    }
    if (rule.shadow) counts.shadowRejected++;
    else counts.rejected++;
    const refused = { key, rule: rule.name, shadow: rule.shadow };
    this.young.add(idOf(refused), refused, 1);
  }

  private turn(): void {
    const now = this.now();
    if (now - this.youngSince < SPAN_MS) return;
    const idle = now - this.youngSince >= 2 * SPAN_MS;
    this.old = idle ? new SpaceSaving(KEYS) : this.young;
    this.oldSince = idle ? now : this.youngSince;
    this.young = new SpaceSaving(KEYS);
    this.youngSince = now;
  }
}

function idOf({ rule, key }: Refused): string {
  return `${rule} ${key}`;
}
