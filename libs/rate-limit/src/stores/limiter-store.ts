import { type Check } from './check.js';

/** `unchecked`: nothing could be asked, and the configuration lets such requests pass. `unavailable`: it does not. */
export type Verdict = 'admitted' | 'refused' | 'unchecked' | 'unavailable';

/**
 * Where the counts are kept. The checks of a request stand and fall together: when an enforced one is refused, none is
 * charged, so that what one rule refuses does not eat up another. A rule in shadow is charged when all enforced ones admit
 * and it would itself.
 */
export interface LimiterStore {
  /** Fills in the checks. A promise only where it has to ask somewhere else: refusing in process must stay cheap. */
  check(checks: readonly Check[]): Verdict | Promise<Verdict>;
  /** Counts `cost` whether there is room for it or not: what was only known after the answer. Never throws. */
  charge(check: Check, cost: number): void;
  /** The key begins anew. False: the store could not be told. */
  forget(check: Check): boolean | Promise<boolean>;
}
