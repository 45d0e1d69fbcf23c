import { type Clock, type Principal, Refusal, soon } from '#kernel';
import { BoundedMap } from '../bounded-map.js';

/** A key as the database has it, good when it was read. */
export interface StoredKey {
  /** Hexadecimal digits of its SHA-256. */
  readonly hash: string;
  readonly principal: Principal;
  /** Milliseconds since the epoch of time. */
  readonly expiresAt: number;
}

export interface KeysRead {
  /** Of the database at that moment: what was read stays true while it is the same, but that keys expire. */
  readonly epoch: string;
  readonly keys: readonly StoredKey[];
}

/** Reads, of these hashes, the keys that there are and that are neither revoked nor expired. */
export type ReadKeys = (hashes: readonly string[]) => Promise<KeysRead>;

/** What other instances have read. It never fails, and never makes anybody wait long. */
export interface SharedKeys {
  find(hashes: readonly string[], epoch: string): Promise<readonly StoredKey[]>;
  keep(keys: readonly StoredKey[], epoch: string): void;
  close(): void;
}

/** So long an answer is simply used: longer than it takes until the epoch is asked for again. */
const FRESH_MS = 1_500;
/** So long it is used while another is fetched: a revocation holds after that at the latest. */
const USABLE_MS = 2_000;
/** So long a key that was good stays good when the database cannot be asked. */
const GRACE_MS = 300_000;
/** A key in use is read again after so long though nothing has changed, which notes that it is in use. */
const NOTED_MS = 600_000;
const PATIENCE_MS = 1_000;
/** After a failure nobody waits for the database for this long. */
const REST_MS = 1_000;
const MOST_KNOWN = 200_000;
const MOST_ASKED_AT_ONCE = 1_000;
/** Questions that were given up but still hold a connection. */
const MOST_UNSETTLED = 3;

/** What those have in common that were learned together. */
interface Reading {
  readonly epoch: string;
  /** When it was true for certain. */
  readonly checkedAt: number;
  readonly learnedAt: number;
}

/** As little as possible for each of many: whatever lies elsewhere in memory has to be fetched from there. */
interface Known {
  readonly principal: Principal;
  /** null: never. */
  readonly expiresAt: number | null;
  readonly reading: Reading;
}

function knownFrom({ principal, expiresAt }: StoredKey, reading: Reading): Known {
  return { principal, expiresAt: expiresAt === Infinity ? null : expiresAt, reading };
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
 * The keys in the database, as far as they are known here. What was read is true for as long as the epoch of the keys is
 * the same, which is asked for once a second and whenever the database announces something: so a key costs a question
 * when it is new here, and one in ten minutes. A key that another instance has read is found in `shared` first.
 *
 * One question is under way at a time, and what is asked meanwhile goes into the next, so that authentication never holds
 * more than one connection of a healthy pool. While the database is away, keys that were good go on for a while, and for
 * others the answer is that nobody knows: 503.
 */
export class StoredKeys {
  private readonly known = new BoundedMap<string, Known>(MOST_KNOWN);
  private epoch: string | null = null;
  private confirmedAt = -Infinity;
  private next: Batch | null = null;
  private underWay: Batch | null = null;
  private unsettled = 0;
  private away = false;
  private restUntil = -Infinity;

  constructor(
    private readonly read: ReadKeys,
    private readonly clock: Clock,
    /** null: there is no Redis. */
    private readonly shared: SharedKeys | null = null,
  ) {}

  /** The epoch that the database said when it was asked at that (monotonic) time. */
  confirm(epoch: string, askedAt: number): void {
    if (askedAt < this.confirmedAt) return;
    this.epoch = epoch;
    this.confirmedAt = askedAt;
    this.away = false;
  }

  /** Whose key it is; null: nobody's. */
  find(hash: string): Principal | null | Promise<Principal | null> {
    const entry = this.known.get(hash);
    // Also one that is over is asked for, so that its refusal takes as long as that of any other.
    if (entry === undefined || this.isOver(entry)) return this.learned(hash);
    const now = this.clock.monotonic();
    const { reading } = entry;
    const isCurrent = reading.epoch === this.epoch;
    const age = now - this.trueAt(reading);
    if (isCurrent && age < FRESH_MS) {
      if (now - reading.learnedAt >= NOTED_MS) void this.ask(hash).catch(() => undefined);
      return entry.principal;
    }
    // What was read a moment ago goes on while it is read again: nobody waits because many others are revoked.
    if (age < USABLE_MS || (this.away && age < GRACE_MS)) {
      // Whatever is under way tells the epoch, which is all that one that is current misses.
      if (!isCurrent || this.underWay === null) void this.ask(hash).catch(() => undefined);
      return entry.principal;
    }
    return this.learned(hash);
  }

  close(): void {
    this.shared?.close();
  }

  private learned(hash: string): Promise<Principal | null> {
    return this.ask(hash).then(
      () => this.goodNow(hash)?.principal ?? null,
      (refusal: unknown) => {
        const entry = this.goodNow(hash);
        if (entry !== null && this.clock.monotonic() - this.trueAt(entry.reading) < GRACE_MS) return entry.principal;
        throw refusal;
      },
    );
  }

  private goodNow(hash: string): Known | null {
    const entry = this.known.get(hash);
    return entry === undefined || this.isOver(entry) ? null : entry;
  }

  private isOver({ expiresAt }: Known): boolean {
    return expiresAt !== null && expiresAt <= this.clock.now();
  }

  private trueAt({ epoch, checkedAt }: Reading): number {
    return epoch === this.epoch ? Math.max(checkedAt, this.confirmedAt) : checkedAt;
  }

  private ask(hash: string): Promise<void> {
    if (this.underWay?.hashes.has(hash) === true) return this.underWay.answer;
    // Another instance may know a key that is new here.
    const hopeless = this.rests() && (this.shared === null || this.known.has(hash));
    if (hopeless || (this.next?.hashes.size ?? 0) >= MOST_ASKED_AT_ONCE) return Promise.reject(asError(AWAY));
    this.next ??= new Batch();
    this.next.hashes.add(hash);
    const { answer } = this.next;
    if (this.underWay === null) void this.work();
    return answer;
  }

  private rests(): boolean {
    return this.clock.monotonic() < this.restUntil;
  }

  private async work(): Promise<void> {
    while (this.next !== null) {
      const batch = this.next;
      this.next = null;
      this.underWay = batch;
      const unknown = await this.unknownAfterShared([...batch.hashes]);
      if (unknown.length > 0 && this.rests()) batch.reject(AWAY);
      else if (await this.learn(unknown)) batch.resolve();
      else batch.reject(AWAY);
      this.underWay = null;
    }
  }

  /** Learns what others have read. When it is long ago that the epoch was heard, that is only for want of better. */
  private async unknownAfterShared(hashes: readonly string[]): Promise<readonly string[]> {
    const { shared, epoch, confirmedAt } = this;
    const strange = hashes.filter((hash) => !this.known.has(hash));
    if (shared === null || epoch === null || strange.length === 0) return hashes;
    const found = await shared.find(strange, epoch);
    const now = this.clock.monotonic();
    const reading = { epoch, checkedAt: confirmedAt, learnedAt: now };
    for (const key of found) this.known.set(key.hash, knownFrom(key, reading));
    if (found.length === 0 || now - confirmedAt >= USABLE_MS) return hashes;
    const good = new Set(found.map(({ hash }) => hash));
    return hashes.filter((hash) => !good.has(hash));
  }

  /** From the database; false: it cannot be asked. */
  private async learn(hashes: readonly string[]): Promise<boolean> {
    if (hashes.length === 0) return true;
    const askedAt = this.clock.monotonic();
    try {
      const { epoch, keys } = await this.readSoon(hashes);
      const reading = { epoch, checkedAt: askedAt, learnedAt: askedAt };
      const good = new Map(keys.map((key) => [key.hash, key]));
      for (const hash of hashes) {
        const key = good.get(hash);
        if (key === undefined) this.known.delete(hash);
        else this.known.set(hash, knownFrom(key, reading));
      }
      this.confirm(epoch, askedAt);
      this.away = false;
      this.shared?.keep(keys, epoch);
      return true;
    } catch {
      this.away = true;
      this.restUntil = this.clock.monotonic() + REST_MS;
      return false;
    }
  }

  /** Gives up after a while. A driver cannot be made to: a connection that hangs stays held until it breaks. */
  private async readSoon(hashes: readonly string[]): Promise<KeysRead> {
    if (this.unsettled >= MOST_UNSETTLED) throw AWAY;
    this.unsettled++;
    const reading = this.read(hashes).finally(() => this.unsettled--);
    return await soon(reading, PATIENCE_MS, () => asError(AWAY));
  }
}

const AWAY = new Refusal('store_unavailable', 'The database that knows the API keys cannot be reached now.');

/** A refusal is no `Error`, on purpose; promises may be rejected with it all the same. */
function asError(refusal: Refusal): Error {
  return refusal as unknown as Error;
}
