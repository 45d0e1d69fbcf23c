import { type Balancer, type Candidate, eligible } from './candidate.js';

/**
 * Smooth weighted round-robin.
 *
 * Algorithm: each turn every target earns its share, the richest is taken and pays what all earned together. Weights
 * 5, 1, 1 give a a b a c a a rather than a run of five.
 * Cost: O(targets) per choice, two additions and a comparison each; nothing is allocated.
 * Limits: over any stretch in which the shares stand still, a target gets its share to within about one turn. Targets that
 * are out neither earn nor pay; one that comes back takes up where it left off.
 * Failure mode: none of its own. Every instance of the gateway begins with the first target.
 */
export class SmoothRoundRobin<T extends Candidate> implements Balancer<T> {
  private readonly earned: Float64Array;

  constructor(private readonly targets: readonly T[]) {
    this.earned = new Float64Array(targets.length);
  }

  choose(now: number, tried: readonly T[], _key: string | undefined, ignoreHealth: boolean): T | undefined {
    const { targets, earned } = this;
    let best = -1;
    let most = -Infinity;
    let total = 0;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i];
      if (target === undefined || !eligible(target, now, tried, ignoreHealth)) continue;
      const share = target.share(now);
      const balance = (earned[i] ?? 0) + share;
      earned[i] = balance;
      total += share;
      if (balance > most) {
        most = balance;
        best = i;
      }
    }
    if (best === -1) return undefined;
    earned[best] = most - total;
    return targets[best];
  }
}
