import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Seal } from '#config';
import { type EntityRecord, markOfDatabase, replaceKept } from '#storage';
import { EntitySet } from './entity-set.js';

const FORMAT = 1;

/**
 * The entities of the database as they were served last, kept in the data directory: with them an instance starts while
 * the database is away. They may hold secrets, so only its own user may read them, and those are sealed.
 */
export class KeptEntities {
  private readonly file: string;
  private readonly database: string;
  private writing: Promise<void> = Promise.resolve();

  /** `database`: its URL. What was kept of another one is of no use. */
  constructor(
    dataDir: string,
    database: string,
    private readonly seal: Seal,
  ) {
    this.file = join(dataDir, 'config', 'entities.json');
    this.database = markOfDatabase(database);
  }

  read(): EntitySet | null {
    try {
      const kept = JSON.parse(readFileSync(this.file, 'utf8')) as Kept;
      if (kept.format !== FORMAT || kept.database !== this.database) return null;
      const opened = kept.entities.map((entity) => ({ ...entity, spec: this.seal.open(entity.spec) }));
      return EntitySet.of(kept.version, opened);
    } catch {
      return null;
    }
  }

  /** Later sets come after earlier ones. */
  async write(entities: EntitySet): Promise<void> {
    const written = this.writing.then(async () => await this.replace(entities));
    this.writing = written.catch(() => undefined);
    await written;
  }

  private async replace(entities: EntitySet): Promise<void> {
    const sealed = entities.all().map((entity) => ({ ...entity, spec: this.seal.seal(entity) }));
    const kept: Kept = { format: FORMAT, database: this.database, version: entities.version, entities: sealed };
    await replaceKept(this.file, JSON.stringify(kept));
  }
}

interface Kept {
  readonly format: number;
  readonly database: string;
  readonly version: number;
  readonly entities: readonly EntityRecord[];
}
