import { createHash } from 'node:crypto';
import { AWAY, StoreBreaker, type StoreBreakerState } from '#rate-limit';
import {
  type CacheStore,
  type Filing,
  type Found,
  MOST_VARIANTS,
  NOTHING_FOUND,
  type Variants,
} from './cache-store.js';
import { decodeResponse, encodeResponse } from './encoded-response.js';
import { PUT, REMOVE } from './redis-scripts.js';

/** What is needed of a Redis connection, single, Sentinel or Cluster: ioredis has it. Prefixes of keys are its affair. */
export interface CacheCommands {
  hmgetBuffer(key: string, ...fields: string[]): Promise<(Buffer | null)[]>;
  eval(script: string, keys: number, ...args: (string | Buffer | number)[]): Promise<unknown>;
  unlink(key: string): Promise<unknown>;
}

export interface RedisStoreOptions {
  readonly redis: CacheCommands;
  readonly now: () => number;
  readonly onChange: (state: StoreBreakerState) => void;
  /** Bytes that this instance may have written and not taken back. */
  readonly bound?: number;
}

/** Bytes in Redis, for each instance. */
const REDIS_BOUND = 256 * 1024 * 1024;
/** How long a request waits for a Redis that answers nobody: then all go on without it until it is back. */
const PATIENCE_MS = 50;
/** Less than this costs as much. */
const SMALLEST = 2048;
const NAMES = '#';
const REMEMBERED = 4096;

/**
 * Keeps answers in Redis, shared by all instances: a hash for each key, with a field for each variant and one for what they
 * differ by. One round trip, or two for a key that is new to this instance and has variants. Redis away is a miss.
 *
 * What an instance has written last stays, up to its bound; older keys are taken back. All of them end by themselves.
 */
export class RedisStore implements CacheStore {
  private readonly breaker: StoreBreaker<string>;
  /** What was written, by key; the oldest comes first. */
  private readonly written = new Map<string, number>();
  private size = 0;
  /** What the answers to a key differ by, as far as was seen: saves the second round trip. */
  private readonly names = new Map<string, readonly string[]>();

  constructor(private readonly options: RedisStoreOptions) {
    this.breaker = new StoreBreaker({
      patience: PATIENCE_MS,
      probe: async (key) => {
        await options.redis.hmgetBuffer(key, NAMES);
      },
      now: options.now,
      onChange: options.onChange,
    });
  }

  find(key: string, variants: Variants): Found | Promise<Found> {
    return this.breaker.isOpen ? NOTHING_FOUND : this.ask(nameOf(key), variants);
  }

  private async ask(name: string, variants: Variants): Promise<Found> {
    const guess = this.names.get(name) ?? [];
    const told = await this.read(name, [NAMES, ...variants(guess)]);
    const [said, ...values] = told ?? [];
    if (said == null) return NOTHING_FOUND;
    const names = namesIn(said);
    if (names.join() === guess.join()) return { stored: this.first(values), names };
    this.remember(name, names);
    return { stored: this.first((await this.read(name, variants(names))) ?? []), names };
  }

  put({ key, names, variant, stored, askedAt, uselessAt }: Filing): void {
    if (this.breaker.isOpen) return;
    const name = nameOf(key);
    const value = encodeResponse(stored, uselessAt);
    const ttl = Math.ceil(uselessAt - this.options.now());
    if (ttl <= 0) return;
    this.options.redis
      .eval(PUT, 1, name, askedAt, names.join(), variant, MOST_VARIANTS, ttl, value)
      .catch(() => undefined);
    this.remember(name, names);
    this.account(name, value.length);
  }

  remove(key: string, now: number): void {
    const name = nameOf(key);
    this.options.redis.eval(REMOVE, 1, name, now).catch(() => undefined);
    this.size -= this.written.get(name) ?? 0;
    this.written.delete(name);
  }

  close(): void {
    this.breaker.stop();
  }

  private async read(name: string, fields: readonly string[]): Promise<(Buffer | null)[] | null> {
    const told = await this.breaker.call(name, () => this.options.redis.hmgetBuffer(name, ...fields));
    return told === AWAY ? null : told;
  }

  private first(values: readonly (Buffer | null)[]): Found['stored'] {
    for (const value of values) {
      const stored = value === null ? null : decodeResponse(value, this.options.now());
      if (stored !== null) return stored;
    }
    return null;
  }

  private remember(name: string, names: readonly string[]): void {
    this.names.delete(name);
    this.names.set(name, names);
    const [oldest] = this.names.keys();
    if (oldest !== undefined && this.names.size > REMEMBERED) this.names.delete(oldest);
  }

  private account(name: string, bytes: number): void {
    const size = (this.written.get(name) ?? 0) + Math.max(bytes, SMALLEST);
    this.written.delete(name);
    this.written.set(name, size);
    this.size += Math.max(bytes, SMALLEST);
    while (this.size > (this.options.bound ?? REDIS_BOUND)) {
      const [first] = this.written;
      if (first === undefined) break;
      this.written.delete(first[0]);
      this.size -= first[1];
      this.options.redis.unlink(first[0]).catch(() => undefined);
    }
  }
}

function nameOf(key: string): string {
  return `cache:response:{${createHash('sha256').update(key).digest('base64url')}}`;
}

function namesIn(said: Buffer): readonly string[] {
  return said.length === 0 ? [] : said.toString('latin1').split(',');
}
