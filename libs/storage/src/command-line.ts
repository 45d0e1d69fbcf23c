import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from './database/data-source.js';
import { readDatabaseUrl } from './database/database-url.js';
import { EmbeddedPostgres, runningUrl } from './embedded/embedded-postgres.js';
import { type StorageLog } from './storage-error.js';

const POOL = 2;

const log: StorageLog = {
  debug: () => undefined,
  info: (message) => console.error(message),
  warn: (message) => console.error(message),
  error: (message) => console.error(message),
};

/**
 * For TypeORM's own commands, not yet connected: the database that the environment names, else the embedded one, shared
 * with a gateway that runs or started until the command ends.
 */
export async function commandLineDataSource(env: NodeJS.ProcessEnv): Promise<DataSource> {
  const dataDir = join(env['AEGIS_DATA_DIR'] ?? 'data', 'postgres');
  const url = env['DATABASE_URL'] ?? runningUrl(dataDir) ?? (await EmbeddedPostgres.start({ dataDir, log })).url;
  return new DataSource({
    ...dataSourceOptions(readDatabaseUrl(url, null), POOL, log),
    logger: 'advanced-console',
  });
}
