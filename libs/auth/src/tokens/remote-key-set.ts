import { type Clock } from '#kernel';
import { boundedFetch } from '../bounded-fetch.js';
import { type TokenHead } from './token-head.js';
import { jwkKey, suits, type VerificationKey } from './verification-key.js';

export interface KeySetSource {
  readonly url: string;
  /** Milliseconds that a set is used before it is fetched again. */
  readonly cache: number;
  /** Least milliseconds between two fetches for the sake of unknown keys, or after a failure. */
  readonly cooldown: number;
}

const TIMEOUT_MS = 5_000;
const MOST_KEYS = 1_000;

/**
 * The keys that an issuer publishes. A set that is due is fetched again while the old one serves, and what is not a set
 * with at least one usable key never takes its place. A key that is not in the set may be new, so it is worth a fetch,
 * but only one per cool-down, however many tokens name however many unknown keys. The regular fetch starts no cool-down:
 * an issuer that changes its keys right after is followed at once.
 */
export class RemoteKeySet {
  private keys: readonly VerificationKey[] = [];
  private text: string | null = null;
  private fetchedAt = -Infinity;
  private askedForUnknownAt = -Infinity;
  private failedAt = -Infinity;
  private fetching: Promise<void> | null = null;

  constructor(
    private readonly source: KeySetSource,
    private readonly clock: Clock,
    private readonly changed: () => void,
    private readonly tell: (news: string) => void,
  ) {}

  /** The last attempt to fetch failed, so what is not known here may be known there. */
  get away(): boolean {
    return this.failedAt > this.fetchedAt;
  }

  /** The keys that may have signed it. Waits only where there are none yet. */
  candidates(head: TokenHead): readonly VerificationKey[] | Promise<readonly VerificationKey[]> {
    const now = this.clock.monotonic();
    if (now - this.fetchedAt >= this.source.cache && this.rested(now)) void this.fetch();
    const found = this.suiting(head);
    if (found.length > 0) return found;
    const fetching = this.fetching ?? this.fetchForUnknown(now);
    return fetching === null ? found : fetching.then(() => this.suiting(head));
  }

  /**
   * Whether the issuer has other keys by now. For tokens that none of the known ones signed: keys may change under the same
   * name, or have none.
   */
  async renewed(): Promise<boolean> {
    const before = this.text;
    await (this.fetching ?? this.fetchForUnknown(this.clock.monotonic()));
    return this.text !== before;
  }

  private suiting(head: TokenHead): readonly VerificationKey[] {
    return this.keys.filter((key) => suits(key, head));
  }

  private fetchForUnknown(now: number): Promise<void> | null {
    if (now - this.askedForUnknownAt < this.source.cooldown || !this.rested(now)) return null;
    this.askedForUnknownAt = now;
    return this.fetch();
  }

  private rested(now: number): boolean {
    return now - this.failedAt >= this.source.cooldown;
  }

  private fetch(): Promise<void> {
    this.fetching ??= this.load().finally(() => (this.fetching = null));
    return this.fetching;
  }

  private async load(): Promise<void> {
    try {
      const text = await this.download();
      if (text === this.text) {
        this.fetchedAt = this.clock.monotonic();
        return;
      }
      const listed = keysIn(text);
      const keys = listed
        .slice(0, MOST_KEYS)
        .map(jwkKey)
        .filter((key) => key !== null);
      if (keys.length === 0) throw new Error('there is no usable key in it');
      if (listed.length > MOST_KEYS) {
        this.tell(`the key set ${this.source.url} has ${listed.length} keys: only the first ${MOST_KEYS} are used`);
      }
      this.fetchedAt = this.clock.monotonic();
      this.text = text;
      this.keys = keys;
      this.changed();
    } catch (error) {
      this.failedAt = this.clock.monotonic();
      const so = this.keys.length > 0 ? 'the keys that are known go on' : 'no token of this issuer can be verified';
      this.tell(`the key set ${this.source.url} was not read (${reasonOf(error)}): ${so}`);
    }
  }

  private async download(): Promise<string> {
    const response = await boundedFetch(this.source.url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return await response.text();
  }
}

function keysIn(text: string): readonly unknown[] {
  const set = JSON.parse(text) as { keys?: unknown } | null;
  const listed: unknown = set?.keys;
  if (!Array.isArray(listed)) throw new Error('it is not a key set');
  return listed;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
