import { createHash, randomBytes } from 'node:crypto';
import { type DataSource, type EntityManager } from 'typeorm';
import { uuidv7 } from '#kernel';

const KIND = 'api-key';
const START = 'aegis_';
const RANDOM_BYTES = 20;
const SHOWN_DIGITS = 6;

/** A key without its secret, which nobody has but its owner. */
export interface ConsumerKey {
  readonly id: string;
  readonly name: string;
  /** Enough of its beginning to recognise it by. */
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date | null;
}

const COLUMNS = `c.id, c.name, c.prefix, c.scopes, c.created_at AS "createdAt", c.expires_at AS "expiresAt",
  c.last_used_at AS "lastUsedAt"`;

/** The API keys of consumers in the database. */
export class ConsumerKeys {
  constructor(private readonly dataSource: DataSource) {}

  /** null: no such consumer is in the database. */
  async list(consumer: string): Promise<ConsumerKey[] | null> {
    if ((await holderId(this.dataSource.manager, consumer)) === null) return null;
    return await this.dataSource.query(
      `SELECT ${COLUMNS} FROM credentials c JOIN consumers o ON o.id = c.consumer_id
       WHERE o.name = $1 AND c.kind = $2 AND c.revoked_at IS NULL ORDER BY c.created_at, c.id`,
      [consumer, KIND],
    );
  }

  /** The one time that the key itself is known. null: no such consumer is in the database. */
  async create(
    manager: EntityManager,
    consumer: string,
    made: NewKey,
  ): Promise<(ConsumerKey & { key: string }) | null> {
    const holder = await holderId(manager, consumer);
    if (holder === null) return null;
    const key = START + randomBytes(RANDOM_BYTES).toString('hex');
    const [row] = await manager.query<ConsumerKey[]>(
      `INSERT INTO credentials AS c (id, consumer_id, kind, name, prefix, hash, scopes, expires_at, lifetime)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8 - now()) RETURNING ${COLUMNS}`,
      [
        uuidv7(Date.now()),
        holder,
        KIND,
        made.name,
        key.slice(0, START.length + SHOWN_DIGITS),
        createHash('sha256').update(key).digest(),
        made.scopes,
        made.expiresAt,
      ],
    );
    return row === undefined ? null : { ...row, key };
  }

  async find(manager: EntityManager, consumer: string, id: string): Promise<ConsumerKey | null> {
    const [row] = await manager.query<ConsumerKey[]>(
      `SELECT ${COLUMNS} FROM credentials c JOIN consumers o ON o.id = c.consumer_id
       WHERE o.name = $1 AND c.id = $2 AND c.kind = $3 AND c.revoked_at IS NULL`,
      [consumer, id, KIND],
    );
    return row ?? null;
  }

  /** For how many milliseconds it was made; null: for ever. */
  async lifetime(manager: EntityManager, id: string): Promise<number | null> {
    const [row] = await manager.query<{ milliseconds: string | null }[]>(
      'SELECT round(extract(epoch FROM lifetime) * 1000) AS milliseconds FROM credentials WHERE id = $1',
      [id],
    );
    return row?.milliseconds == null ? null : Number(row.milliseconds);
  }

  async revoke(manager: EntityManager, id: string): Promise<void> {
    await manager.query('UPDATE credentials SET revoked_at = now() WHERE id = $1', [id]);
  }

  /** It works for so many milliseconds more, unless it ends sooner anyway. */
  async expireWithin(manager: EntityManager, id: string, milliseconds: number): Promise<void> {
    await manager.query(
      `UPDATE credentials SET expires_at = least(expires_at, now() + $2 * interval '1 millisecond') WHERE id = $1`,
      [id, milliseconds],
    );
  }
}

async function holderId(manager: EntityManager, consumer: string): Promise<string | null> {
  const [row] = await manager.query<{ id: string }[]>('SELECT id FROM consumers WHERE name = $1', [consumer]);
  return row?.id ?? null;
}
