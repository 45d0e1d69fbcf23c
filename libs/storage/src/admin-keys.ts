import { createHash, randomBytes } from 'node:crypto';
import { type DataSource, type EntityManager } from 'typeorm';
import { type Clock, uuidv7 } from '#kernel';

const ADMIN = 'admin';
const KIND = 'api-key';
const RANDOM_BYTES = 20;
const FIRST = 'first';
const SHOWN_DIGITS = 6;

/** Hears of a key in the transaction that makes it. */
type Tell = (manager: EntityManager, prefix: string) => Promise<void>;
const NOBODY: Tell = async () => Promise.resolve();

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
  async ensureFirst(tell: Tell = NOBODY): Promise<string | null> {
    return await this.dataSource.transaction(async (manager) => {
      const created = await manager.query<{ id: string }[]>(
        `INSERT INTO consumers (id, name, roles) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING RETURNING id`,
        [uuidv7(this.clock.now()), ADMIN, [ADMIN]],
      );
      const [consumer] = created;
      return consumer ? await this.#insert(manager, consumer.id, FIRST, tell) : null;
    });
  }

  /** Another key for the administrator, who is one again after this, whatever was done to the roles. */
  async create(name: string, tell: Tell = NOBODY): Promise<string> {
    return await this.dataSource.transaction(async (manager) => {
      const [consumer] = await manager.query<[{ id: string }]>(
        `INSERT INTO consumers (id, name, roles) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET roles = ARRAY(SELECT DISTINCT unnest(consumers.roles || excluded.roles))
         RETURNING id`,
        [uuidv7(this.clock.now()), ADMIN, [ADMIN]],
      );
      return await this.#insert(manager, consumer.id, name, tell);
    });
  }

  async #insert(manager: EntityManager, consumerId: string, name: string, tell: Tell): Promise<string> {
    const key = `aegis_${ADMIN}_${randomBytes(RANDOM_BYTES).toString('hex')}`;
    const prefix = key.slice(0, `aegis_${ADMIN}_`.length + SHOWN_DIGITS);
    await manager.query(
      `INSERT INTO credentials (id, consumer_id, kind, name, prefix, hash) VALUES ($1, $2, $3, $4, $5, $6)`,
      [uuidv7(this.clock.now()), consumerId, KIND, name, prefix, sha256(key)],
    );
    await tell(manager, prefix);
    return key;
  }
}

function sha256(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
