import { type Provider } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Stores } from '#auth';
import { ENTITY_KINDS, type Seal } from '#config';
import { Storage, type StorageLog } from '#storage';
import { AuditTrail } from '../audit/audit-trail.js';
import { ConfigReload } from '../config-reload.js';
import { ConfigChanges } from '../dynamic/config-changes.js';
import { ConfigFollower } from '../dynamic/config-follower.js';
import { type KeptEntities } from '../dynamic/kept-entities.js';
import { SealedRecords } from '../dynamic/sealed-records.js';
import { Examiner } from '../examiner/examiner.js';
import { resourceToken } from './entities/entity.controller.js';
import { WholeConfig } from './config/whole-config.js';
import { EntityResource } from './entities/entity-resource.js';

/** What the part of the admin API needs that changes what is served. */
export function configProviders(kept: KeptEntities | null, seal: Seal, log: StorageLog): Provider[] {
  return [
    {
      provide: SealedRecords,
      useFactory: (source: DataSource) => new SealedRecords(source, seal),
      inject: [DataSource],
    },
    {
      provide: ConfigFollower,
      useFactory: (storage: Storage, records: SealedRecords, config: ConfigReload, { keys }: Stores) =>
        new ConfigFollower(storage, records, config, keys, kept, log),
      inject: [Storage, SealedRecords, ConfigReload, Stores],
    },
    {
      provide: ConfigChanges,
      useFactory: (records: SealedRecords, follower: ConfigFollower, config: ConfigReload, audit: AuditTrail) =>
        new ConfigChanges(records, follower, config, audit),
      inject: [SealedRecords, ConfigFollower, ConfigReload, AuditTrail],
    },
    {
      provide: Examiner,
      useFactory: ({ source: { file, dataDir } }: ConfigReload) => new Examiner({ file, dataDir, cwd: process.cwd() }),
      inject: [ConfigReload],
    },
    {
      provide: WholeConfig,
      useFactory: (
        records: SealedRecords,
        changes: ConfigChanges,
        follower: ConfigFollower,
        config: ConfigReload,
        examiner: Examiner,
        audit: AuditTrail,
      ) => new WholeConfig(records, changes, follower, config, examiner, audit),
      inject: [SealedRecords, ConfigChanges, ConfigFollower, ConfigReload, Examiner, AuditTrail],
    },
    ...ENTITY_KINDS.map((kind) => ({
      provide: resourceToken(kind),
      useFactory: (changes: ConfigChanges, follower: ConfigFollower, config: ConfigReload) =>
        new EntityResource(kind, changes, follower, config),
      inject: [ConfigChanges, ConfigFollower, ConfigReload],
    })),
  ];
}
