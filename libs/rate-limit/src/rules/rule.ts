import { type Limit } from '../algorithms/index.js';
import { type Cost } from './cost.js';
import { type KeyPart } from './key.js';
import { type RuleScope } from './scope.js';
import { type Specificity } from './specificity.js';

/** A limit with whom it is for and what it counts by, compiled. */
export interface Rule {
  readonly name: string;
  /** Names the counts in this process: rules that count for the same time may share what they keep them in. */
  readonly table: string;
  /** Where it stands: matching rules are asked and listed in this order. */
  readonly order: number;
  readonly limit: Limit;
  readonly cost: Cost;
  readonly key: readonly KeyPart[];
  readonly scope: RuleScope;
  readonly specificity: Specificity;
  /** In its place for a consumer that has a limit of its own; null: nobody has. */
  readonly ofConsumers: ReadonlyMap<string, Rule> | null;
  /** Counted and reported, never refused. */
  readonly shadow: boolean;
  /** Its item of the `RateLimit-Policy` field. */
  readonly policy: string;
  /** Its name as a structured-field string. */
  readonly label: string;
}
