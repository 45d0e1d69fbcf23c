import { type Balancer, type Candidate, eligible } from './candidate.js';

/** What a request at this target would cost; the lower one of two is taken. */
export type Cost = (candidate: Candidate, now: number) => number;

/** `random-two`: requests in flight for its share. */
export function load(candidate: Candidate, now: number): number {
  return candidate.inFlight / candidate.share(now);
}

/** A target that has never answered gets one request to learn from, and then counts as this slow until it has answered. */
const UNKNOWN = 60_000;

/** `ewma`: how long the requests before this one and itself will take, as far as is known. */
export function expectedWait(candidate: Candidate, now: number): number {
  const latency = candidate.latency(now);
  if (latency === 0 && candidate.inFlight === 0) return 0;
  return (latency === 0 ? UNKNOWN : latency) * (1 + load(candidate, now));
}

/**
 * Power of two choices: draws two different targets and takes the better one.
 *
 * Algorithm: both draws are by share, so that targets of the same cost are used by weight; the lower cost wins, and the
 * first draw when both cost the same. With two targets that is always "the better one", with many it keeps instances that
 * know nothing of each other from all running to the same one.
 * Cost: O(targets) to add up the shares and walk to the draw, three random numbers at most; nothing is allocated.
 * Limits: with `ewma` a slow target gets little, not nothing: its estimate fades while it is idle, and it is tried again.
 * Failure mode: as good as the cost function; failures have to make it dearer (see Condition), or failing fast pays.
 */
export class TwoChoices<T extends Candidate> implements Balancer<T> {
  /** Of this choice: 0 for targets that are out. */
  private readonly shares: Float64Array;

  constructor(
    private readonly targets: readonly T[],
    private readonly cost: Cost,
    /** 0 ≤ x < 1. */
    private readonly random: () => number,
  ) {
    this.shares = new Float64Array(targets.length);
  }

  choose(now: number, tried: readonly T[], _key: string | undefined, ignoreHealth: boolean): T | undefined {
    const { targets, shares } = this;
    let total = 0;
    let count = 0;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i];
      const out = target === undefined || !eligible(target, now, tried, ignoreHealth);
      const share = out ? 0 : target.share(now);
      shares[i] = share;
      total += share;
      if (!out) count++;
    }
    const first = this.draw(total);
    if (count < 2) return targets[first];
    total -= shares[first] ?? 0;
    shares[first] = 0;
    const second = this.draw(total);
    const one = targets[first];
    const other = targets[second];
    if (one === undefined || other === undefined) return one;
    return this.cost(other, now) < this.cost(one, now) ? other : one;
  }

  /** Rounding may let the walk run past the end: the last that has a share is then meant. */
  private draw(total: number): number {
    const { shares } = this;
    let left = this.random() * total;
    let last = -1;
    for (let i = 0; i < shares.length; i++) {
      const share = shares[i] ?? 0;
      if (share === 0) continue;
      last = i;
      left -= share;
      if (left < 0) break;
    }
    return last;
  }
}
