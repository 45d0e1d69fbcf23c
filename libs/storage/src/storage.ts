import { DataSource } from 'typeorm';
import { connectFailure } from './database/connect-failure.js';
import { connect, dataSourceOptions } from './database/data-source.js';
import { type DatabaseAddress, readDatabaseUrl } from './database/database-url.js';
import { migrate } from './database/migrate.js';
import { Notifications } from './database/notifications.js';
import { EmbeddedPostgres, runningUrl } from './embedded/embedded-postgres.js';
import { messageOf, type StorageLog, UnreachableError } from './storage-error.js';
import { type StoreTls } from './tls.js';

export interface DatabaseOptions {
  /** Null: an embedded server on `dataDir`. */
  readonly url: string | null;
  readonly pool: number;
  readonly dataDir: string;
  readonly tls: StoreTls | null;
  /** Starts without the database while that cannot be reached, and goes on trying. Default: false. */
  readonly patient?: boolean;
}

export type DatabaseState = 'connected' | 'embedded' | 'disconnected';

const PROBE_TIMEOUT_MS = 1_000;
const TRIED_AGAIN_AFTER_MS = 1_000;

/** The database, up to date, and reached but for those that are patient. */
export class Storage {
  #probe: Promise<boolean> | undefined;

  private trying: NodeJS.Timeout | undefined;
  private closed = false;

  private constructor(
    readonly dataSource: DataSource,
    private readonly address: DatabaseAddress,
    private readonly server: EmbeddedPostgres | undefined,
    private readonly log: StorageLog,
    readonly embedded: boolean,
    /** The migrations that ran when it was opened. */
    public migrated: readonly string[] = [],
  ) {}

  /** Fails with one line for the person who started us. */
  static async open(options: DatabaseOptions, log: StorageLog, embedded = options.url === null): Promise<Storage> {
    const server = options.url === null ? await EmbeddedPostgres.start({ dataDir: options.dataDir, log }) : undefined;
    try {
      const address = readDatabaseUrl(options.url ?? server?.url ?? '', options.url === null ? null : options.tls);
      // The lock of a migration and the migration itself take a connection each.
      const dataSource = new DataSource(dataSourceOptions(address, Math.max(options.pool, 2), log));
      const storage = new Storage(dataSource, address, server, log, embedded);
      await storage.reach().catch((error: unknown) => {
        if (options.patient !== true || !(error instanceof UnreachableError)) throw error;
        log.error(`${error.message}; starting without it, and trying again`);
        storage.reachLater();
      });
      return storage;
    } catch (error) {
      await server?.stop();
      throw error;
    }
  }

  private async reach(): Promise<void> {
    const { dataSource, address, log } = this;
    await connect(dataSource, address);
    try {
      this.migrated = await migrate(dataSource, log);
    } catch (error) {
      await dataSource.destroy();
      throw connectFailure(error, address);
    }
  }

  private reachLater(): void {
    if (this.closed) return;
    this.trying = setTimeout(() => {
      this.reach().then(
        () => this.log.warn('the database is reached now'),
        (error: unknown) => {
          this.log.debug(messageOf(error));
          this.reachLater();
        },
      );
    }, TRIED_AGAIN_AFTER_MS).unref();
  }

  /** Calls `heard` when something is announced on this channel, and when something may have been missed. */
  listen(channel: string, heard: () => void): Notifications {
    return new Notifications(this.address, channel, heard, this.log);
  }

  /** For a process beside the one that uses the embedded database: its server is shared. */
  static async openBeside(options: DatabaseOptions, log: StorageLog): Promise<Storage> {
    const url = options.url ?? runningUrl(options.dataDir) ?? null;
    return await Storage.open(
      { ...options, url, tls: options.url === null ? null : options.tls },
      log,
      options.url === null,
    );
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
    this.closed = true;
    clearTimeout(this.trying);
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
    await this.server?.stop();
  }
}

function after(timeout: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), timeout).unref());
}
