import { type DataSource } from 'typeorm';
import { connectFailure } from './database/connect-failure.js';
import { connect } from './database/data-source.js';
import { type DatabaseAddress, readDatabaseUrl } from './database/database-url.js';
import { migrate } from './database/migrate.js';
import { EmbeddedPostgres, runningUrl } from './embedded/embedded-postgres.js';
import { type StorageLog } from './storage-error.js';
import { type StoreTls } from './tls.js';

export interface DatabaseOptions {
  /** Null: an embedded server on `dataDir`. */
  readonly url: string | null;
  readonly pool: number;
  readonly dataDir: string;
  readonly tls: StoreTls | null;
}

export type DatabaseState = 'connected' | 'embedded' | 'disconnected';

const PROBE_TIMEOUT_MS = 1_000;

/** The database, reached and up to date. */
export class Storage {
  #probe: Promise<boolean> | undefined;

  private constructor(
    readonly dataSource: DataSource,
    private readonly server: EmbeddedPostgres | undefined,
    /** The migrations that ran when it was opened. */
    readonly migrated: readonly string[],
  ) {}

  /** Fails with one line for the person who started us. */
  static async open(options: DatabaseOptions, log: StorageLog): Promise<Storage> {
    const server = options.url === null ? await EmbeddedPostgres.start({ dataDir: options.dataDir, log }) : undefined;
    try {
      const address = readDatabaseUrl(options.url ?? server?.url ?? '', options.url === null ? null : options.tls);
      const { dataSource, migrated } = await connectAndMigrate(address, options.pool, log);
      return new Storage(dataSource, server, migrated);
    } catch (error) {
      await server?.stop();
      throw error;
    }
  }

  /** For a command beside the gateway: with the embedded database in use by one, its server is shared. */
  static async openBeside(options: DatabaseOptions, log: StorageLog): Promise<Storage> {
    const url = options.url ?? runningUrl(options.dataDir) ?? null;
    return await Storage.open({ ...options, url, tls: options.url === null ? null : options.tls }, log);
  }

  get embedded(): boolean {
    return this.server !== undefined;
  }

  /** What health says. Asks the database, but never waits long, and never asks again while it has not answered. */
  async state(timeout = PROBE_TIMEOUT_MS): Promise<DatabaseState> {
    this.#probe ??= this.dataSource
      .query('SELECT 1')
      .then(
        () => true,
        () => false,
      )
      .finally(() => (this.#probe = undefined));
    const answered = await Promise.race([this.#probe, after(timeout)]);
    if (!answered) return 'disconnected';
    return this.embedded ? 'embedded' : 'connected';
  }

  /** First the connections, then the server that they lead to. */
  async close(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
    await this.server?.stop();
  }
}

async function connectAndMigrate(
  address: DatabaseAddress,
  pool: number,
  log: StorageLog,
): Promise<{ dataSource: DataSource; migrated: readonly string[] }> {
  // The lock of a migration and the migration itself take a connection each.
  const dataSource = await connect(address, Math.max(pool, 2), log);
  try {
    return { dataSource, migrated: await migrate(dataSource, log) };
  } catch (error) {
    await dataSource.destroy();
    throw connectFailure(error, address);
  }
}

function after(timeout: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), timeout).unref());
}
