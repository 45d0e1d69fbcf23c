import { RoundRobin } from './round-robin.js';
import { type Target } from './target.js';

/** A named service: its targets, and how one is chosen. Lives across snapshots while its configuration stays the same. */
export class Upstream {
  private readonly turn: RoundRobin<Target>;

  constructor(
    readonly name: string,
    /** The hash of the configuration it was made from. */
    readonly fingerprint: string,
    readonly targets: readonly Target[],
  ) {
    this.turn = new RoundRobin(targets);
  }

  choose(): Target | undefined {
    return this.turn.next();
  }

  /** Exchanges under way finish; kept connections go. */
  close(): void {
    for (const target of this.targets) target.pool.close();
  }
}
