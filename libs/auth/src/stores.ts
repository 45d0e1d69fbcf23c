import { type StoredKeys } from './keys/stored-keys.js';
import { type Replays } from './signatures/replays.js';

/** What instances share, as far as methods of authentication ask it. */
export class Stores {
  constructor(
    readonly keys: StoredKeys,
    readonly replays: Replays,
  ) {}

  onApplicationShutdown(): void {
    this.keys.close();
  }
}
