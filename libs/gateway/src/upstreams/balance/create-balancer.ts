import { type Balancer, type Candidate } from './candidate.js';
import { LeastRequests } from './least-requests.js';
import { RendezvousHash } from './rendezvous-hash.js';
import { SmoothRoundRobin } from './smooth-round-robin.js';
import { expectedWait, load, TwoChoices } from './two-choices.js';

/** As the configuration calls them. */
export type Balance = 'round-robin' | 'least-requests' | 'random-two' | 'ewma' | 'hash';

/**
 * When the targets change (a name has new addresses), another balancer is made for the new list: everything that has to be
 * remembered of a target is kept by the target.
 */
export function createBalancer<T extends Candidate>(
  balance: Balance,
  targets: readonly T[],
  random: () => number = Math.random,
): Balancer<T> {
  switch (balance) {
    case 'round-robin':
      return new SmoothRoundRobin(targets);
    case 'least-requests':
      return new LeastRequests(targets);
    case 'random-two':
      return new TwoChoices(targets, load, random);
    case 'ewma':
      return new TwoChoices(targets, expectedWait, random);
    case 'hash':
      return new RendezvousHash(targets);
  }
}
