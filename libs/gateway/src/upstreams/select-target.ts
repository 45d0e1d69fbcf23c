import { type Balancer, type Candidate } from './balance/candidate.js';

/** Why there is no target, as the error catalogue calls it. */
export type NoTarget = 'no_healthy_upstream' | 'circuit_open';

const NONE: readonly never[] = [];

/**
 * The target of the next attempt. What is wanted is given up in this order: a target that was not tried yet, then, with
 * `allDown: try`, one that is healthy. An open breaker is never passed over.
 */
export function selectTarget<T extends Candidate>(
  balancer: Balancer<T>,
  targets: readonly T[],
  allDown: 'fail' | 'try',
  tried: readonly T[],
  key: string | undefined,
  now: number,
): T | NoTarget {
  let target = balancer.choose(now, tried, key, false);
  if (target === undefined && tried.length > 0) target = balancer.choose(now, NONE, key, false);
  if (target !== undefined) return target;
  if (allDown === 'try') {
    target = balancer.choose(now, tried, key, true) ?? balancer.choose(now, NONE, key, true);
    if (target !== undefined) return target;
  }
  return everyCircuitIsOpen(targets, now) ? 'circuit_open' : 'no_healthy_upstream';
}

/** Targets with a weight of 0 have no say. */
function everyCircuitIsOpen(targets: readonly Candidate[], now: number): boolean {
  let any = false;
  for (const target of targets) {
    if (target.share(now) === 0) continue;
    if (target.available(now, true)) return false;
    any = true;
  }
  return any;
}
