import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { APP_FILTER } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { AuthenticationGuard, AuthModule } from '#auth';
import { type Config, type Seal } from '#config';
import { GatewayModule, type SnapshotStore } from '#gateway';
import { type Dependency, HealthModule, LimitRecorder, type Readiness, RequestRecorder } from '#monitoring';
import { systemClock } from '#kernel';
import { RateLimiter, RateLimitModule } from '#rate-limit';
import { AuditLog, LimitRows, QuotaRows, RedisConnection, Storage, StorageModule, type StorageOptions } from '#storage';
import { type AuditSettings, AuditTrail } from './audit/audit-trail.js';
import { configProviders } from './admin/admin-api.js';
import { adminControllers } from './admin/controllers.js';
import { AdminGuard } from './admin/admin.guard.js';
import { Operations } from './admin/operations.js';
import { OwnerKey } from './admin/owner-key.js';
import { ReservedProblemFilter } from './admin/problem.filter.js';
import { UnknownMethodFilter } from './admin/unknown-method.filter.js';
import { DebugTokens } from './debug-tokens.js';
import { ConfigReload } from './config-reload.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { type KeptEntities } from './dynamic/kept-entities.js';
import { ClusterSize, Heartbeat } from './heartbeat.js';
import { RESERVED } from './reserved-paths.js';
import { Telemetry } from './telemetry.js';
import { VERSION } from './version.js';
import { WorkerLink } from './workers/worker-link.js';

export interface GatewayParts {
  readonly store: SnapshotStore;
  readonly recorder: RequestRecorder;
  readonly readiness: Readiness;
  readonly config: ConfigReload;
  readonly dataDir: string;
  readonly storage: StorageOptions;
  /** What the database said last, on this machine; null: it is embedded. */
  readonly kept: KeptEntities | null;
  readonly seal: Seal;
  readonly clusterSize: ClusterSize;
  readonly reserved: (path: string) => boolean;
  readonly audit: () => AuditSettings;
  /** `AEGIS_SECRET_KEY` */
  readonly secretKey: string | undefined;
  readonly metrics: GatewayMetrics;
  readonly monitoring: () => Config['monitoring'];
  /** null: this process serves alone. */
  readonly link: WorkerLink | null;
}

/** The composition root: names the parts, decides nothing. */
@Module({})
export class GatewayAppModule {
  static assemble(parts: GatewayParts): DynamicModule {
    const storage = StorageModule.forRoot(parts.storage);
    const limits = RateLimitModule.register({
      imports: [storage],
      inject: [RedisConnection, QuotaRows],
      useFactory: (redis: RedisConnection | null, quotas: QuotaRows) => ({
        rules: () => parts.store.current.rules,
        redis: redis?.client ?? null,
        instances: () => parts.clusterSize.instances,
        credentialHeaders: () => parts.store.current.access.credentialHeaders,
        quotas,
        clock: systemClock,
      }),
    });
    const auth = AuthModule.register([storage], {
      identity: () => parts.store.current.access.identity,
      secretKey: parts.secretKey,
      dataDir: parts.dataDir,
      database: parts.storage.database.url,
    });
    const { prometheus } = parts.monitoring();
    return {
      module: GatewayAppModule,
      imports: [
        ConfigModule.forRoot({ ignoreEnvFile: true }),
        ScheduleModule.forRoot(),
        storage,
        GatewayModule.register(parts.store, [storage, limits, auth]),
        limits,
        auth,
        HealthModule.register({
          version: VERSION,
          readiness: parts.readiness,
          imports: [storage, limits],
          inject: [Storage, RedisConnection],
          dependencies: dependencies,
          limiter: RateLimiter,
        }),
      ],
      controllers: [...adminControllers(prometheus)],
      providers: [
        AuthenticationGuard,
        ...configProviders(parts.kept, parts.seal, parts.storage.log),
        AdminGuard,
        DebugTokens,
        Operations,
        ...(parts.link === null ? [Heartbeat] : []),
        { provide: WorkerLink, useValue: parts.link },
        { provide: ClusterSize, useValue: parts.clusterSize },
        {
          provide: AuditTrail,
          useFactory: (log: AuditLog) => new AuditTrail(log, parts.audit, systemClock),
          inject: [AuditLog],
        },
        { provide: RESERVED, useValue: parts.reserved },
        { provide: ConfigReload, useValue: parts.config },
        { provide: RequestRecorder, useValue: parts.recorder },
        { provide: GatewayMetrics, useValue: parts.metrics },
        { provide: LimitRecorder, useFactory: (rows: LimitRows) => limitRecorder(rows, parts), inject: [LimitRows] },
        Telemetry,
        {
          provide: OwnerKey,
          useFactory: (env: ConfigService) => new OwnerKey(env.get('AEGIS_ADMIN_KEY')),
          inject: [ConfigService],
        },
        { provide: APP_FILTER, useClass: ReservedProblemFilter },
        { provide: APP_FILTER, useClass: UnknownMethodFilter },
      ],
    };
  }
}

function limitRecorder(rows: LimitRows, { monitoring }: GatewayParts): LimitRecorder {
  const logger = new Logger('Limits');
  return new LimitRecorder({
    insert: (added) => rows.insert(added),
    removeBefore: (time) => rows.removeBefore(time),
    settings: () => {
      const { metricsEnabled, ...settings } = monitoring();
      return { ...settings, enabled: metricsEnabled };
    },
    now: () => systemClock.now(),
    warn: (message) => logger.warn(message),
  });
}

function dependencies(storage: Storage, redis: RedisConnection | null): Dependency[] {
  return [
    { name: 'postgres', state: () => storage.state() },
    { name: 'redis', state: async () => (redis === null ? 'disabled' : redis.probe()) },
    { name: 'ml-api', state: () => Promise.resolve('disabled') },
  ];
}
