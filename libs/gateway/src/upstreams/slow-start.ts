/** A target that is new or back begins with this much of its weight: enough to warm up on, and never nothing. */
const FIRST = 0.1;

/**
 * Slow start: the weight of a target that became available at `since` grows in a straight line from a tenth to the whole
 * within `slowStart` milliseconds. A lone target, or several that start together, still get everything: shares are relative.
 */
export function rampedShare(weight: number, since: number, slowStart: number, now: number): number {
  const age = now - since;
  if (age >= slowStart) return weight;
  return weight * Math.max(FIRST, age / slowStart);
}
