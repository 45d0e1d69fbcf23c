import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decryptSecret, encryptSecret, storageKey } from '#config';
import { type Clock } from '#kernel';
import { markOfDatabase, replaceKept } from '#storage';
import { KEPT_MS } from './key-plan.js';
import { type PublicJwk, SigningKey } from './signing-key.js';
import { type StoredIdentityKey } from './stored-identity-keys.js';

const FORMAT = 1;
const CONFIRMED_EVERY_MS = 3_600_000;
const SKEW_MS = 300_000;

export type KeptKey = Pick<StoredIdentityKey, 'jwk' | 'key' | 'startsIn'>;

interface Kept {
  readonly format: number;
  readonly database: string;
  /** Milliseconds since the epoch of time. */
  readonly readAt: number;
  readonly keys: readonly { readonly jwk: PublicJwk; readonly pem: string | null; readonly startsAt: number }[];
}

/**
 * The keys of the database as it had them last, on disk: with them an instance that starts while the database is away goes
 * on to sign. The file is sealed with `AEGIS_SECRET_KEY`; without that nothing is kept, since whoever has such a key can
 * pretend to be anybody. It is good for a day, for which a key is still published once another has taken its place.
 */
export class KeptIdentityKeys {
  private readonly file: string;
  private readonly database: string;
  private readonly secretKey: string;
  private written = '';
  private writtenAt = -Infinity;

  private constructor(
    dataDir: string,
    database: string,
    secretKey: string,
    private readonly clock: Clock,
  ) {
    this.file = join(dataDir, 'config', 'identity-keys');
    this.database = markOfDatabase(database);
    this.secretKey = storageKey(secretKey);
  }

  /** null: nothing can be kept. `database`: its URL; null: it is on this disk itself. */
  static in(
    dataDir: string,
    database: string | null,
    secretKey: string | undefined,
    clock: Clock,
  ): KeptIdentityKeys | null {
    if (database === null || secretKey === undefined || secretKey === '') return null;
    return new KeptIdentityKeys(dataDir, database, secretKey, clock);
  }

  /** None: nothing was kept, or it is too old, or of another database, or sealed with another secret. */
  read(): readonly KeptKey[] {
    try {
      const opened = decryptSecret(readFileSync(this.file, 'utf8'), this.secretKey);
      if (!('text' in opened)) return [];
      const { format, database, readAt, keys } = JSON.parse(opened.text) as Kept;
      const now = this.clock.now();
      if (format !== FORMAT || database !== this.database || now - readAt > KEPT_MS || readAt - now > SKEW_MS)
        return [];
      return keys.map(({ jwk, pem, startsAt }) => {
        return { jwk, key: pem === null ? null : SigningKey.read(pem), startsIn: startsAt - now };
      });
    } catch {
      return [];
    }
  }

  /** Whenever there are others, and now and then to say that they are still the same. */
  async write(keys: readonly StoredIdentityKey[]): Promise<void> {
    const kids = keys.map(({ kid }) => kid).join();
    const now = this.clock.now();
    if (kids === this.written && Math.abs(now - this.writtenAt) < CONFIRMED_EVERY_MS) return;
    this.written = kids;
    this.writtenAt = now;
    const kept: Kept = {
      format: FORMAT,
      database: this.database,
      readAt: now,
      keys: keys.map(({ jwk, key, startsIn }) => ({ jwk, pem: key?.pem() ?? null, startsAt: now + startsIn })),
    };
    await replaceKept(this.file, encryptSecret(JSON.stringify(kept), this.secretKey)).catch((error: unknown) => {
      this.written = '';
      throw error;
    });
  }
}
