import { systemClock } from '#kernel';
import { AdminKeys } from '#storage';
import { withDatabase } from '../beside-database.js';
import { type ConfigOptions } from '../config-file.js';
import { print, remark } from '../terminal.js';

export interface CreateOptions extends ConfigOptions {
  readonly name: string;
}

/** The way back in for whoever owns the machine and has lost the key: it asks the database, not the gateway. */
export async function createAdminKey({ name, ...options }: CreateOptions): Promise<void> {
  const key = await withDatabase(options, ({ dataSource }) => new AdminKeys(dataSource, systemClock).create(name));
  print(key);
  remark('This admin key is valid at once. Keep it: it is not shown again. Send it as X-API-Key.');
}
