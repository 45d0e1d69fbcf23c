import { type Clock, type Principal, Refusal } from '#kernel';
import { BoundedMap } from '../bounded-map.js';

/** A key as the database has it, good when it was read. */
export interface StoredKey {
  /** Hexadecimal digits of its SHA-256. */
  readonly hash: string;
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Reads, of these hashes, the keys that there are and that are neither revoked nor expired. */
export type ReadKeys = (hashes: readonly string[]) => Promise<readonly StoredKey[]>;

/** So long an answer is simply used. */
const FRESH_MS = 1_000;
/** So long it is used while another is fetched: a revocation holds after that at the latest. */
const USABLE_MS = 2_000;
/** So long a key that was good stays good when the database cannot be asked. */
const GRACE_MS = 300_000;
const PATIENCE_MS = 1_000;
/** After a failure nobody new waits for the database for this long. */
const REST_MS = 1_000;
const MOST_KNOWN = 100_000;
const MOST_ASKED_AT_ONCE = 1_000;
/** Questions that were given up but still hold a connection. */
const MOST_UNSETTLED = 3;

interface Known extends StoredKey {
  readonly checkedAt: number;
}

class Batch {
  readonly hashes = new Set<string>();
  readonly answer: Promise<void>;
  resolve: () => void = () => undefined;
  reject: (reason: unknown) => void = () => undefined;

  constructor() {
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever waits hears of it; a check in the background has nobody who does.
    this.answer.catch(() => undefined);
  }
}

/**
 * The keys in the database, as far as they are known here. One question is under way at a time, and what is asked
 * meanwhile goes into the next, so that authentication never holds more than one connection of a healthy pool. While the
 * database is away, keys that were good go on for a while, and for others the answer is that nobody knows: 503.
 */
export class StoredKeys {
  private readonly known = new BoundedMap<string, Known>(MOST_KNOWN);
  private next: Batch | null = null;
  private underWay: Batch | null = null;
  private unsettled = 0;
  private away = false;
  private restUntil = 0;

  constructor(
    private readonly read: ReadKeys,
    private readonly clock: Clock,
  ) {}

  /** Whose key it is; null: nobody's. */
  find(hash: string): Principal | null | Promise<Principal | null> {
    const entry = this.known.get(hash);
    const now = this.clock.monotonic();
    if (entry === undefined) return this.ask(hash).then(() => this.answered(hash));
    if (entry.expiresAt <= this.clock.now()) return null;
    const age = now - entry.checkedAt;
    if (age < FRESH_MS) return entry.principal;
    const checked = this.ask(hash);
    if (age < USABLE_MS || (this.away && age < GRACE_MS)) {
      checked.catch(() => undefined);
      return entry.principal;
    }
    return checked.then(
      () => this.answered(hash),
      (refusal: unknown) => {
        if (age < GRACE_MS && this.known.has(hash)) return entry.principal;
        throw refusal;
      },
    );
  }

  private answered(hash: string): Principal | null {
    return this.known.get(hash)?.principal ?? null;
  }

  private ask(hash: string): Promise<void> {
    if (this.underWay?.hashes.has(hash) === true) return this.underWay.answer;
    if (this.clock.monotonic() < this.restUntil || (this.next?.hashes.size ?? 0) >= MOST_ASKED_AT_ONCE) {
      return Promise.reject(asError(AWAY));
    }
    this.next ??= new Batch();
    this.next.hashes.add(hash);
    const { answer } = this.next;
    if (this.underWay === null) void this.work();
    return answer;
  }

  private async work(): Promise<void> {
    while (this.next !== null) {
      const batch = this.next;
      this.next = null;
      this.underWay = batch;
      try {
        this.learn([...batch.hashes], await this.readSoon([...batch.hashes]));
        this.away = false;
        batch.resolve();
      } catch {
        this.away = true;
        this.restUntil = this.clock.monotonic() + REST_MS;
        batch.reject(AWAY);
      }
      this.underWay = null;
    }
  }

  /** Gives up after a while. A driver cannot be made to: a connection that hangs stays held until it breaks. */
  private async readSoon(hashes: readonly string[]): Promise<readonly StoredKey[]> {
    if (this.unsettled >= MOST_UNSETTLED) throw AWAY;
    this.unsettled++;
    const reading = this.read(hashes).finally(() => this.unsettled--);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(asError(AWAY)), PATIENCE_MS);
    });
    return await Promise.race([reading, late]).finally(() => clearTimeout(timer));
  }

  private learn(asked: readonly string[], found: readonly StoredKey[]): void {
    const checkedAt = this.clock.monotonic();
    const good = new Map(found.map((key) => [key.hash, key]));
    for (const hash of asked) {
      const key = good.get(hash);
      if (key === undefined) this.known.delete(hash);
      else this.known.set(hash, { ...key, checkedAt });
    }
  }
}

const AWAY = new Refusal('store_unavailable', 'The database that knows the API keys cannot be reached now.');

/** A refusal is no `Error`, on purpose; promises may be rejected with it all the same. */
function asError(refusal: Refusal): Error {
  return refusal as unknown as Error;
}
