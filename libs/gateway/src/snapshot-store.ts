import { type Clock } from '#kernel';
import { compileSnapshot, type LoadedConfig, retiredUpstreams } from './compile-snapshot.js';
import { type Snapshot } from './snapshot.js';
import { type Surroundings } from './upstreams/build-upstream.js';

/** Holds the one snapshot that new exchanges begin with. Replacing it is one assignment. */
export class SnapshotStore {
  private snapshot: Snapshot;

  constructor(
    first: LoadedConfig,
    private readonly clock: Clock,
    private readonly surroundings: Surroundings,
  ) {
    this.snapshot = compileSnapshot(first, null, clock.now(), surroundings);
  }

  get current(): Snapshot {
    return this.snapshot;
  }

  /** Throws when it cannot be compiled, and then changes nothing. A configuration that says the same is not a new snapshot. */
  replace(loaded: LoadedConfig): Snapshot {
    const before = this.snapshot;
    if (loaded.hash === before.hash) return before;
    const next = compileSnapshot(loaded, before, this.clock.now(), this.surroundings);
    this.snapshot = next;
    for (const upstream of retiredUpstreams(before, next)) upstream.close();
    return next;
  }

  close(): void {
    for (const upstream of this.snapshot.upstreams.values()) upstream.close();
  }
}
