import { type Config } from '#config';
import { Storage, StorageError, type StorageLog } from '#storage';
import { type ConfigOptions, loadValid } from './config-file.js';
import { CliError, EXIT } from './exit.js';
import { paintFor, remark } from './terminal.js';

/** Does something with the database of a configuration, whether a gateway uses it at the moment or not. */
export async function withDatabase<T>(
  options: ConfigOptions,
  use: (storage: Storage, config: Config) => Promise<T>,
): Promise<T> {
  const { config } = await loadValid(options);
  const { database } = config;
  try {
    const storage = await Storage.openBeside({ ...database, url: database.url?.reveal() ?? null }, log());
    try {
      return await use(storage, config);
    } finally {
      await storage.close();
    }
  } catch (error) {
    if (error instanceof StorageError) throw new CliError(EXIT.unreachable, error.message);
    throw error;
  }
}

function log(): StorageLog {
  const { dim, yellow, red } = paintFor(process.stderr);
  return {
    debug: () => undefined,
    info: (message) => remark(dim(message)),
    warn: (message) => remark(yellow(message)),
    error: (message) => remark(red(message)),
  };
}
