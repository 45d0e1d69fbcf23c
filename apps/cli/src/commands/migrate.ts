import { withDatabase } from '../beside-database.js';
import { type ConfigOptions } from '../config-file.js';
import { count, print } from '../terminal.js';

/** What the gateway does at its start, by itself: for those who want to see it done before. */
export async function migrate(options: ConfigOptions): Promise<void> {
  const ran = await withDatabase(options, ({ migrated }) => Promise.resolve(migrated));
  if (ran.length === 0) print('The database was up to date already.');
  else print([`${count(ran.length, 'migration')} ran:`, ...ran.map((name) => `  ${name}`)].join('\n'));
}
