import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type DataSource, type EntityManager } from 'typeorm';
import { type Clock, uuidv7 } from '#kernel';

const ADMIN = 'admin';
const KIND = 'api-key';
const RANDOM_BYTES = 20;
const SHOWN_DIGITS = 6;
const USE_NOTED_EVERY = '1 minute';

interface FoundKey {
  readonly id: string;
  readonly hash: Buffer;
}

/** The keys that open the admin API. The database holds their SHA-256 only: a key is shown when it is made, and never again. */
export class AdminKeys {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /**
   * The first key of a new database, once: of any number of instances that start together one gets it, and a database
   * that has had an administrator never grants another by itself.
   */
  async ensureFirst(): Promise<string | null> {
    return await this.dataSource.transaction(async (manager) => {
      const created = await manager.query<{ id: string }[]>(
        `INSERT INTO consumers (id, name, roles) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING RETURNING id`,
        [uuidv7(this.clock.now()), ADMIN, [ADMIN]],
      );
      const [consumer] = created;
      return consumer ? await this.#insert(manager, consumer.id, 'first') : null;
    });
  }

  /** Another key for the administrator. */
  async create(name: string): Promise<string> {
    return await this.dataSource.transaction(async (manager) => {
      const [consumer] = await manager.query<[{ id: string }]>(
        `INSERT INTO consumers (id, name, roles) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id`,
        [uuidv7(this.clock.now()), ADMIN, [ADMIN]],
      );
      return await this.#insert(manager, consumer.id, name);
    });
  }

  async #insert(manager: EntityManager, consumerId: string, name: string): Promise<string> {
    const key = `aegis_${ADMIN}_${randomBytes(RANDOM_BYTES).toString('hex')}`;
    const prefix = key.slice(0, `aegis_${ADMIN}_`.length + SHOWN_DIGITS);
    await manager.query(
      `INSERT INTO credentials (id, consumer_id, kind, name, prefix, hash) VALUES ($1, $2, $3, $4, $5, $6)`,
      [uuidv7(this.clock.now()), consumerId, KIND, name, prefix, sha256(key)],
    );
    return key;
  }

  /**
   * Whether this is a key of somebody with the role of an administrator. Looked up by its hash, so how long it takes
   * tells nothing about the keys that there are.
   */
  async verify(key: string): Promise<boolean> {
    const hash = sha256(key);
    const [found] = await this.dataSource.query<FoundKey[]>(
      `SELECT c.id, c.hash FROM credentials c JOIN consumers o ON o.id = c.consumer_id
       WHERE c.hash = $1 AND c.kind = $2 AND $3 = ANY (o.roles)
         AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())`,
      [hash, KIND, ADMIN],
    );
    if (!found || !timingSafeEqual(found.hash, hash)) return false;
    await this.dataSource.query(
      `UPDATE credentials SET last_used_at = now()
       WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - $2::interval)`,
      [found.id, USE_NOTED_EVERY],
    );
    return true;
  }
}

function sha256(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
