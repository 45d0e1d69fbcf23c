export { type AuditFilter, AuditLog } from './audit/audit-log.js';
export { type AuditEntry, BY_ITSELF, type ChainedEntry } from './audit/entry.js';
export { AdminKeys } from './admin-keys.js';
export { commandLineDataSource } from './command-line.js';
export {
  CONFIG_CHANNEL,
  ConfigRecords,
  type EntityChange,
  type EntityRecord,
  type KeyHolder,
  type VersionRecord,
} from './configuration/config-records.js';
export { markOfDatabase, replaceKept } from './kept-file.js';
export { type Notifications } from './database/notifications.js';
export { type ConsumerKey, ConsumerKeys } from './consumer-keys.js';
export { EmbeddedPostgres } from './embedded/embedded-postgres.js';
export { Leash } from './embedded/leash.js';
export { Consumer } from './entities/consumer.js';
export { Credential } from './entities/credential.js';
export { Instance } from './entities/instance.js';
export { type HeartbeatState, InstanceRegistry } from './instance-registry.js';
export { type LimitRow, LimitRows } from './limit-rows.js';
export { type QuotaRow, QuotaRows } from './quota-rows.js';
export { type RedisNode, type RedisOptions } from './redis/redis-client.js';
export { RedisConnection, type RedisState } from './redis/redis-connection.js';
export { StorageError, type StorageLog } from './storage-error.js';
export { type DatabaseOptions, type DatabaseState, Storage } from './storage.js';
export { StorageModule, type StorageOptions } from './storage.module.js';
