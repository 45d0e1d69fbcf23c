import { type Balancer, type Candidate, eligible } from './candidate.js';
import { hashText, mix } from './hash-text.js';
import { SmoothRoundRobin } from './smooth-round-robin.js';

/** No target holds more than this many times its fair part of what is in flight … */
const OVER_FAIR = 1.25;
/** … beyond the first few, which no target is too busy for: a key should not wander because two requests overlap. */
const NEVER_TOO_BUSY = 4;

const TWO_TO_32 = 4_294_967_296;

/**
 * Consistent hash with bounded load, by weighted rendezvous.
 *
 * Algorithm: key and target together give a number u between 0 and 1; the target with the lowest -ln(u) ÷ share has the
 * key. When that target already holds more than 1.25 times its fair part of the requests in flight, the next lowest that
 * does not takes the request. No ring and no table: a target that goes takes only its own keys with it (1/n of them), one
 * that comes takes only keys that it then owns, and nothing is rebuilt.
 * Cost: one hash of the key, then O(targets) with a logarithm each; a second pass only when the bound bites.
 * Limits: the bound is on the requests of this process. Which target a key has depends on the targets' ids and shares, not
 * on their order, and is the same in every process.
 * Failure mode: requests without a key (no such header) go round-robin; one very hot key spills over to its next targets.
 */
export class RendezvousHash<T extends Candidate> implements Balancer<T> {
  private readonly seeds: Int32Array;
  private readonly keyless: SmoothRoundRobin<T>;

  constructor(private readonly targets: readonly T[]) {
    const seen = new Map<string, number>();
    this.seeds = Int32Array.from(targets, ({ id }) => {
      const earlier = seen.get(id) ?? 0;
      seen.set(id, earlier + 1);
      return hashText(id, earlier);
    });
    this.keyless = new SmoothRoundRobin(targets);
  }

  choose(now: number, tried: readonly T[], key: string | undefined, ignoreHealth: boolean): T | undefined {
    if (key === undefined) return this.keyless.choose(now, tried, key, ignoreHealth);
    const { targets, seeds } = this;
    const hash = hashText(key);
    let best: T | undefined;
    let lowest = Infinity;
    let shares = 0;
    let inFlight = 0;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i];
      if (target === undefined || !eligible(target, now, tried, ignoreHealth)) continue;
      const share = target.share(now);
      shares += share;
      inFlight += target.inFlight;
      const distance = distanceOf(hash, seeds[i] ?? 0, share);
      if (distance < lowest) {
        lowest = distance;
        best = target;
      }
    }
    if (best === undefined || best.inFlight < bound(best.share(now), shares, inFlight)) return best;
    return this.nearestWithRoom(hash, shares, inFlight, now, tried, ignoreHealth);
  }

  /** There always is one: if all were at their bounds, the bounds would add up to less than what is in flight. */
  private nearestWithRoom(
    hash: number,
    shares: number,
    inFlight: number,
    now: number,
    tried: readonly T[],
    ignoreHealth: boolean,
  ): T | undefined {
    const { targets, seeds } = this;
    let best: T | undefined;
    let lowest = Infinity;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i];
      if (target === undefined || !eligible(target, now, tried, ignoreHealth)) continue;
      const share = target.share(now);
      if (target.inFlight >= bound(share, shares, inFlight)) continue;
      const distance = distanceOf(hash, seeds[i] ?? 0, share);
      if (distance < lowest) {
        lowest = distance;
        best = target;
      }
    }
    return best;
  }
}

function distanceOf(key: number, seed: number, share: number): number {
  return -Math.log((mix(key ^ seed) + 0.5) / TWO_TO_32) / share;
}

/** How many a target may hold, the request to be placed included. */
function bound(share: number, shares: number, inFlight: number): number {
  return Math.max(NEVER_TOO_BUSY, Math.ceil((OVER_FAIR * (inFlight + 1) * share) / shares));
}
