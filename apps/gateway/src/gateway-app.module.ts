import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { APP_FILTER } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { GatewayModule, type SnapshotStore } from '#gateway';
import { type Dependency, HealthModule, type Readiness, RequestRecorder } from '#monitoring';
import { AdminKeys, RedisConnection, Storage, StorageModule, type StorageOptions } from '#storage';
import { AdminAccess } from './admin/admin-access.js';
import { ReservedProblemFilter } from './admin/problem.filter.js';
import { StatusController } from './admin/status.controller.js';
import { ConfigReload } from './config-reload.js';
import { Heartbeat } from './heartbeat.js';
import { VERSION } from './version.js';

export interface GatewayParts {
  readonly store: SnapshotStore;
  readonly recorder: RequestRecorder;
  readonly readiness: Readiness;
  readonly config: ConfigReload;
  readonly storage: StorageOptions;
  readonly adminKey: string | undefined;
}

/** The composition root: names the parts, decides nothing. */
@Module({})
export class GatewayAppModule {
  static assemble(parts: GatewayParts): DynamicModule {
    const storage = StorageModule.forRoot(parts.storage);
    return {
      module: GatewayAppModule,
      imports: [
        ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ version: VERSION })] }),
        ScheduleModule.forRoot(),
        storage,
        GatewayModule.register(parts.store),
        HealthModule.register({
          version: VERSION,
          readiness: parts.readiness,
          imports: [storage],
          inject: [Storage, RedisConnection],
          dependencies: dependencies,
        }),
      ],
      controllers: [StatusController],
      providers: [
        Heartbeat,
        { provide: ConfigReload, useValue: parts.config },
        { provide: RequestRecorder, useValue: parts.recorder },
        {
          provide: AdminAccess,
          useFactory: (keys: AdminKeys) => new AdminAccess(keys, parts.adminKey),
          inject: [AdminKeys],
        },
        { provide: APP_FILTER, useClass: ReservedProblemFilter },
      ],
    };
  }
}
