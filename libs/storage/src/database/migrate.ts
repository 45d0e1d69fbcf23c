import { type DataSource } from 'typeorm';
import { codeOf, messageOf, StorageError, type StorageLog } from '../storage-error.js';

/** Any number that nobody else takes in a shared database: "aegis" in ASCII. */
const LOCK = 0x6165676973;
const UNDEFINED_TABLE = '42P01';

/**
 * Brings the schema up to date, one instance at a time: all of them may start at once on an empty database, the first
 * does the work and the others find it done. The lock belongs to a transaction rather than to a session, so that it also
 * holds through a pooler that hands sessions around, and ends with the connection if we die.
 */
export async function migrate(dataSource: DataSource, log: StorageLog): Promise<string[]> {
  if (await isUpToDate(dataSource)) return [];
  const holder = dataSource.createQueryRunner();
  try {
    await holder.startTransaction();
    await holder.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    const [row] = (await holder.query('SELECT pg_try_advisory_xact_lock($1) AS held', [LOCK])) as { held: boolean }[];
    if (!row?.held) {
      log.info('another instance is bringing the database up to date; waiting for it');
      await holder.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    }
    const done = await run(dataSource);
    await holder.commitTransaction();
    if (done.length > 0) log.info(`the database is up to date: ${done.join(', ')}`);
    return done;
  } catch (error) {
    // What made it fail may have taken the connection with it.
    await holder.rollbackTransaction().catch(() => undefined);
    throw error;
  } finally {
    await holder.release();
  }
}

/** As it is at nearly every start; found out with one question and without the lock. */
async function isUpToDate(dataSource: DataSource): Promise<boolean> {
  try {
    const done = await dataSource.query<{ name: string }[]>('SELECT name FROM schema_migrations');
    const names = new Set(done.map(({ name }) => name));
    return dataSource.migrations.every(({ constructor }) => names.has(constructor.name));
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE) return false;
    throw error;
  }
}

async function run(dataSource: DataSource): Promise<string[]> {
  try {
    return (await dataSource.runMigrations()).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Error && 'driverError' in error) throw error.driverError;
    throw new StorageError(`the database could not be brought up to date: ${messageOf(error)}`);
  }
}
