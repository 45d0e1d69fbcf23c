import { type Balancer, type Candidate, eligible } from './candidate.js';

/**
 * Least requests: the target with the fewest requests in flight for its share.
 *
 * Algorithm: one pass finds the lowest in-flight ÷ share; among those that have it, smooth weighted round-robin decides, so
 * that an idle upstream is still used by weight and not only at its first target.
 * Cost: O(targets) per choice, two passes; nothing is allocated.
 * Limits: it knows the requests of this process only. With many instances that all see an idle target at once, `random-two`
 * herds less.
 * Failure mode: a target that fails fast is never busy and attracts requests, until the breaker or an ejection takes it out.
 */
export class LeastRequests<T extends Candidate> implements Balancer<T> {
  private readonly earned: Float64Array;
  /** Of this choice: in-flight ÷ share, -1 for targets that are out. */
  private readonly load: Float64Array;

  constructor(private readonly targets: readonly T[]) {
    this.earned = new Float64Array(targets.length);
    this.load = new Float64Array(targets.length);
  }

  choose(now: number, tried: readonly T[], _key: string | undefined, ignoreHealth: boolean): T | undefined {
    const { targets, load } = this;
    let least = Infinity;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i];
      if (target === undefined || !eligible(target, now, tried, ignoreHealth)) {
        load[i] = -1;
        continue;
      }
      const its = target.inFlight / target.share(now);
      load[i] = its;
      if (its < least) least = its;
    }
    return least === Infinity ? undefined : this.takeTurn(least, now);
  }

  private takeTurn(least: number, now: number): T | undefined {
    const { targets, load, earned } = this;
    let best = -1;
    let most = -Infinity;
    let total = 0;
    for (let i = 0; i < targets.length; i++) {
      if (load[i] !== least) continue;
      const share = targets[i]?.share(now) ?? 0;
      const balance = (earned[i] ?? 0) + share;
      earned[i] = balance;
      total += share;
      if (balance > most) {
        most = balance;
        best = i;
      }
    }
    earned[best] = most - total;
    return targets[best];
  }
}
