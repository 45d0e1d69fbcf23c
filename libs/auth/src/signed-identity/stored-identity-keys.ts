import { type DataSource, type EntityManager } from 'typeorm';
import { decryptSecret, encryptSecret } from '#config';
import { type KeyAge, planKeys } from './key-plan.js';
import { type PublicJwk, SigningKey } from './signing-key.js';

export interface StoredIdentityKey extends KeyAge {
  readonly jwk: PublicJwk;
  /** null: it is encrypted with another secret than the one of this instance. */
  readonly key: SigningKey | null;
}

interface Row {
  readonly kid: string;
  readonly jwk: PublicJwk;
  readonly private_key: string;
  readonly starts_in: number;
  readonly age: number;
}

/** One instance at a time changes them. */
const LOCK = 0x61656769;

const READ = `SELECT kid, jwk, private_key,
    (extract(epoch FROM starts_at - clock_timestamp()) * 1000)::float8 AS starts_in,
    (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS age
  FROM identity_keys ORDER BY starts_at, kid`;

/** The keys of all instances, in the database: encrypted where `AEGIS_SECRET_KEY` is set. */
export class StoredIdentityKeys {
  /** By name; to read one takes longer than to fetch it. */
  private opened = new Map<string, SigningKey | null>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly secretKey: string | undefined,
  ) {}

  /** Those that there are, the one that starts first on top, after what was due has been done. */
  async current(terms: { rotate: number; lifetime: number }): Promise<StoredIdentityKey[]> {
    const keys = await this.read(this.dataSource.manager);
    if (!isDue(keys, terms)) return keys;
    return await this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      const { startsIn, gone } = planKeys(await this.read(manager), terms);
      if (startsIn !== null) await this.insert(manager, startsIn);
      await manager.query('DELETE FROM identity_keys WHERE kid = ANY ($1::text[])', [gone]);
      return await this.read(manager);
    });
  }

  private async read(manager: EntityManager): Promise<StoredIdentityKey[]> {
    const rows = await manager.query<Row[]>(READ);
    const opened = new Map(rows.map((row) => [row.kid, this.opened.get(row.kid) ?? this.open(row.private_key)]));
    this.opened = opened;
    return rows.map(({ kid, jwk, starts_in: startsIn, age }) => {
      const key = opened.get(kid) ?? null;
      return { kid, jwk, key, startsIn, age, usable: key !== null };
    });
  }

  private open(stored: string): SigningKey | null {
    if (!stored.startsWith('aes-gcm:')) return SigningKey.read(stored);
    const opened = decryptSecret(stored, this.secretKey);
    return 'text' in opened ? SigningKey.read(opened.text) : null;
  }

  private async insert(manager: EntityManager, startsIn: number): Promise<void> {
    const made = SigningKey.make();
    const { jwk } = SigningKey.read(made);
    const { secretKey } = this;
    const stored = secretKey === undefined || secretKey === '' ? made : encryptSecret(made, secretKey);
    await manager.query(
      `INSERT INTO identity_keys (kid, jwk, private_key, created_at, starts_at)
       VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp() + $4 * interval '1 millisecond')`,
      [jwk.kid, JSON.stringify(jwk), stored, startsIn],
    );
  }
}

function isDue(keys: readonly StoredIdentityKey[], terms: { rotate: number; lifetime: number }): boolean {
  const { startsIn, gone } = planKeys(keys, terms);
  return startsIn !== null || gone.length > 0;
}
