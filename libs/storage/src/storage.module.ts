import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { systemClock } from '#kernel';
import { AuditLog } from './audit/audit-log.js';
import { AdminKeys } from './admin-keys.js';
import { ConfigRecords } from './configuration/config-records.js';
import { ConsumerKeys } from './consumer-keys.js';
import { InstanceRegistry } from './instance-registry.js';
import { LimitRows } from './limit-rows.js';
import { QuotaRows } from './quota-rows.js';
import { RedisConnection } from './redis/redis-connection.js';
import { type StorageLog } from './storage-error.js';
import { type DatabaseOptions, Storage } from './storage.js';

export interface StorageOptions {
  readonly database: DatabaseOptions;
  /** null: none is configured. */
  readonly redis: RedisConnection | null;
  /** Another process of this instance runs the embedded database, if there is one. */
  readonly beside?: boolean;
  readonly log: StorageLog;
}

/** The stores: PostgreSQL through TypeORM, and Redis where one is configured (else the provider is null). Both end with it. */
@Module({})
export class StorageModule implements OnApplicationShutdown {
  constructor(
    private readonly storage: Storage,
    @Inject(RedisConnection) private readonly redis: RedisConnection | null,
  ) {}

  static forRoot({ database, redis, beside = false, log }: StorageOptions): DynamicModule {
    let opening: Promise<Storage> | undefined;
    const open = (): Promise<Storage> =>
      (opening ??= beside ? Storage.openBeside(database, log) : Storage.open(database, log));
    return {
      module: StorageModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: async () => ({ ...(await open()).dataSource.options, manualInitialization: true }),
          // A patient storage may not be connected yet, and sees to it itself.
          dataSourceFactory: async () => (await open()).dataSource,
        }),
      ],
      providers: [
        { provide: Storage, useFactory: open },
        { provide: RedisConnection, useValue: redis },
        {
          provide: AdminKeys,
          useFactory: (source: DataSource) => new AdminKeys(source, systemClock),
          inject: [DataSource],
        },
        { provide: AuditLog, useFactory: (source: DataSource) => new AuditLog(source), inject: [DataSource] },
        { provide: QuotaRows, useFactory: (source: DataSource) => new QuotaRows(source), inject: [DataSource] },
        { provide: LimitRows, useFactory: (source: DataSource) => new LimitRows(source), inject: [DataSource] },
        {
          provide: InstanceRegistry,
          useFactory: (source: DataSource) => new InstanceRegistry(source, systemClock),
          inject: [DataSource],
        },
        { provide: ConsumerKeys, useFactory: (source: DataSource) => new ConsumerKeys(source), inject: [DataSource] },
        { provide: ConfigRecords, useFactory: (source: DataSource) => new ConfigRecords(source), inject: [DataSource] },
      ],
      exports: [
        Storage,
        RedisConnection,
        AdminKeys,
        AuditLog,
        ConfigRecords,
        ConsumerKeys,
        InstanceRegistry,
        QuotaRows,
        LimitRows,
      ],
    };
  }

  /** Modules that use the stores import this one, so Nest has shut them down before. */
  async onApplicationShutdown(): Promise<void> {
    this.redis?.close();
    await this.storage.close();
  }
}
