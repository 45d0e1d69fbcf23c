import { type DataSource, type DataSourceOptions } from 'typeorm';
import { AuditAnchor, AuditRecord } from '../entities/audit-record.js';
import { ConfigEntity, ConfigHead, ConfigVersion } from '../entities/config-entity.js';
import { Consumer } from '../entities/consumer.js';
import { Credential } from '../entities/credential.js';
import { Instance } from '../entities/instance.js';
import { MIGRATIONS } from '../migrations/index.js';
import { StorageError, type StorageLog } from '../storage-error.js';
import { connectFailure } from './connect-failure.js';
import { type DatabaseAddress } from './database-url.js';
import { OrmLog } from './orm-log.js';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_AFTER_MS = 10_000;
const OLDEST_MAJOR = 14;

export function dataSourceOptions(address: DatabaseAddress, pool: number, log: StorageLog): DataSourceOptions {
  return {
    type: 'postgres',
    url: address.url,
    poolSize: pool,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    applicationName: 'aegis',
    // A connection that has gone dead without a word would otherwise be handed out for hours.
    extra: { ssl: address.ssl, keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS },
    // Each idle connection says it when the server goes; that it is away is told once, by whoever needed it.
    poolErrorHandler: (error: unknown) => log.debug(`a connection to PostgreSQL broke: ${String(error)}`),
    entities: [AuditRecord, AuditAnchor, ConfigEntity, ConfigHead, ConfigVersion, Consumer, Credential, Instance],
    migrations: [...MIGRATIONS],
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'each',
    installExtensions: false,
    logging: false,
    logger: new OrmLog(log),
  };
}

/** From then on the pool reconnects by itself whenever somebody asks it for a connection. */
export async function connect(dataSource: DataSource, address: DatabaseAddress): Promise<void> {
  try {
    await dataSource.initialize();
  } catch (error) {
    throw connectFailure(error, address);
  }
  const version = dataSource.driver.version ?? '';
  if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
    await dataSource.destroy();
    throw new StorageError(
      `PostgreSQL at ${address.shown} is version ${version}; Aegis needs ${OLDEST_MAJOR} or newer`,
    );
  }
}
