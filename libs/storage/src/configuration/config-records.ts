import { type DataSource, type EntityManager } from 'typeorm';
import { uuidv7 } from '#kernel';

/** An entity as the database has it. */
export interface EntityRecord {
  readonly kind: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** The version of the configuration that it was last changed in. */
  readonly version: number;
}

/** What happens to one entity. `null`: it was not there before, or is not there after. */
export interface EntityChange {
  readonly kind: string;
  readonly name: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

export interface VersionRecord {
  readonly version: number;
  readonly madeAt: Date;
  readonly actor: string;
  readonly action: string;
  readonly changes: readonly EntityChange[];
}

/** The channel on which a new version is announced. */
export const CONFIG_CHANNEL = 'aegis_config';
/** So far back can be looked, and gone back. */
const VERSIONS_KEPT = 1000;

/** A connection of the pool, or the one that a transaction has. */
type Queries = Pick<EntityManager, 'query'>;

/** What authentication by a stored key has to know about its owner. */
export interface KeyHolder {
  readonly name: string;
  readonly plan: string | null;
  readonly roles: readonly string[];
}

/** The configuration's part of the database, without an opinion about what may stand in it. */
export class ConfigRecords {
  constructor(private readonly dataSource: DataSource) {}

  /** Which version holds now, and which epoch of the keys: the cheap question that is asked again and again. */
  async head(): Promise<{ version: number; keysEpoch: string | null }> {
    const [row] = await this.dataSource.query<{ version: number; keysEpoch: string | null }[]>(
      'SELECT version, (SELECT epoch FROM keys_head) AS "keysEpoch" FROM config_head',
    );
    return row ?? { version: 0, keysEpoch: null };
  }

  /** Everything, as of one moment, oldest first. */
  async all(through: Queries = this.dataSource): Promise<{ version: number; entities: EntityRecord[] }> {
    const rows = await through.query<
      { head: number; kind: string | null; name: string; spec: Record<string, unknown>; version: number }[]
    >(
      `SELECT h.version AS head, e.kind, e.name, e.spec, e.version
       FROM config_head h LEFT JOIN config_entities e ON true ORDER BY e.position`,
    );
    const entities = rows.flatMap(({ kind, name, spec, version }) =>
      kind === null ? [] : [{ kind, name, spec, version }],
    );
    return { version: rows[0]?.head ?? 0, entities };
  }

  /** The versions after this one, oldest first; they are all there only when the first is the next one. */
  async since(
    version: number,
    through: Queries = this.dataSource,
  ): Promise<Pick<VersionRecord, 'version' | 'changes'>[]> {
    return await through.query('SELECT version, changes FROM config_versions WHERE version > $1 ORDER BY version', [
      version,
    ]);
  }

  /** Newest first. */
  async history(before: number | null, limit: number): Promise<VersionRecord[]> {
    return await this.dataSource.query(
      `SELECT version, made_at AS "madeAt", actor, action, changes FROM config_versions
       WHERE $1::integer IS NULL OR version < $1 ORDER BY version DESC LIMIT $2`,
      [before, limit],
    );
  }

  /**
   * In a transaction that nobody else's change can come between, on any instance. `version` is the one that holds; what
   * `work` writes is announced to every instance when it is committed, and not before.
   */
  async change<T>(work: (manager: EntityManager, version: number) => Promise<T>): Promise<T> {
    return await this.dataSource.transaction(async (manager) => {
      await manager.query(`SET LOCAL lock_timeout = '5s'`);
      await manager.query(`SET LOCAL statement_timeout = '15s'`);
      const [row] = await manager.query<{ version: number }[]>('SELECT version FROM config_head FOR UPDATE');
      return await work(manager, row?.version ?? 0);
    });
  }

  /** Writes the next version. `holders`: the consumers among what is there afterwards; their keys stay theirs. */
  async write(
    manager: EntityManager,
    { version, actor, action, changes }: Omit<VersionRecord, 'madeAt'>,
    holders: readonly KeyHolder[],
  ): Promise<void> {
    const gone = changes.filter(({ after }) => after === null);
    const there = changes.filter(({ after }) => after !== null);
    if (gone.length > 0) {
      await manager.query(
        `DELETE FROM config_entities e USING unnest($1::text[], $2::text[]) AS gone (kind, name)
         WHERE e.kind = gone.kind AND e.name = gone.name`,
        [gone.map(({ kind }) => kind), gone.map(({ name }) => name)],
      );
    }
    if (there.length > 0) {
      await manager.query(
        `INSERT INTO config_entities (kind, name, spec, position, version)
         SELECT kind, name, spec::json, (SELECT coalesce(max(position), 0) FROM config_entities) + place, $4
         FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS new (kind, name, spec, place)
         ON CONFLICT (kind, name) DO UPDATE SET spec = excluded.spec, version = excluded.version`,
        [
          there.map(({ kind }) => kind),
          there.map(({ name }) => name),
          there.map(({ after }) => JSON.stringify(after)),
          version,
        ],
      );
    }
    await this.writeHolders(
      manager,
      holders,
      gone.filter(({ kind }) => kind === 'consumers'),
    );
    await manager.query('INSERT INTO config_versions (version, actor, action, changes) VALUES ($1, $2, $3, $4)', [
      version,
      actor,
      action,
      JSON.stringify(changes),
    ]);
    await manager.query('DELETE FROM config_versions WHERE version <= $1', [version - VERSIONS_KEPT]);
    await manager.query('UPDATE config_head SET version = $1', [version]);
    await manager.query('SELECT pg_notify($1, $2)', [CONFIG_CHANNEL, String(version)]);
  }

  private async writeHolders(
    manager: EntityManager,
    holders: readonly KeyHolder[],
    gone: readonly EntityChange[],
  ): Promise<void> {
    for (const { name, plan, roles } of holders) {
      await manager.query(
        `INSERT INTO consumers (id, name, plan, roles) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET plan = excluded.plan, roles = excluded.roles, updated_at = now()`,
        [uuidv7(Date.now()), name, plan, roles],
      );
    }
    if (gone.length > 0) {
      await manager.query('DELETE FROM consumers WHERE name = ANY ($1::text[])', [gone.map(({ name }) => name)]);
    }
  }
}
