import { hostname } from 'node:os';
import { type DataSource } from 'typeorm';
import { type Clock, uuidv7 } from '#kernel';
import { Instance } from './entities/instance.js';

/** Ones that have not been heard of for so long are not even listed. */
const FORGOTTEN_AFTER = '1 hour';

export interface HeartbeatState {
  readonly version: string;
  readonly configVersion: number;
  readonly configHash: string;
}

/**
 * Which gateways run on this database. When one was last seen is told by the database's clock: the clocks of the
 * machines need not agree.
 */
export class InstanceRegistry {
  readonly id: string;
  #inFlight = false;

  constructor(
    private readonly dataSource: DataSource,
    clock: Clock,
  ) {
    this.id = uuidv7(clock.now());
  }

  /** Says that this one lives and what it serves. With the last one still on its way it fails, rather than queue up. */
  async heartbeat({ version, configVersion, configHash }: HeartbeatState): Promise<void> {
    if (this.#inFlight) throw new Error('the database has not answered the last heartbeat yet');
    this.#inFlight = true;
    try {
      await this.dataSource.query(
        `WITH forgotten AS (DELETE FROM instances WHERE seen_at < now() - $7::interval AND id <> $1)
         INSERT INTO instances (id, host, pid, version, config_version, config_hash) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET seen_at = now(), version = excluded.version,
           config_version = excluded.config_version, config_hash = excluded.config_hash`,
        [this.id, hostname(), process.pid, version, configVersion, configHash, FORGOTTEN_AFTER],
      );
    } finally {
      this.#inFlight = false;
    }
  }

  /** How many were seen within this many milliseconds. */
  async liveCount(within: number): Promise<number> {
    const [row] = await this.dataSource.query<[{ live: number }]>(
      `SELECT count(*)::int AS live FROM instances WHERE seen_at > now() - $1 * interval '1 millisecond'`,
      [within],
    );
    return row.live;
  }

  /** The longest running first. */
  async list(): Promise<Instance[]> {
    return await this.dataSource.getRepository(Instance).find({ order: { startedAt: 'ASC', id: 'ASC' } });
  }

  /** This one is going. */
  async remove(): Promise<void> {
    await this.dataSource.query('DELETE FROM instances WHERE id = $1', [this.id]);
  }
}
