import { type DynamicModule, Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { systemClock } from '#kernel';
import { RedisConnection } from '#storage';
import { IssuedTokens } from './issued/issued-tokens.js';
import { Sessions } from './issued/sessions.js';
import { readKeysFrom } from './keys/read-keys.js';
import { RedisKeys } from './keys/redis-keys.js';
import { StoredKeys } from './keys/stored-keys.js';
import { IdentityKeys } from './signed-identity/identity-keys.js';
import { type IdentityTokens } from './signed-identity/identity-tokens.js';
import { KeptIdentityKeys } from './signed-identity/kept-identity-keys.js';
import { StoredIdentityKeys } from './signed-identity/stored-identity-keys.js';
import { MemoryReplays, RedisReplays } from './signatures/replays.js';
import { Stores } from './stores.js';

export interface AuthOptions {
  /** Of the configuration that is served. */
  readonly identity: () => IdentityTokens | null;
  /** `AEGIS_SECRET_KEY` */
  readonly secretKey: string | undefined;
  readonly dataDir: string;
  /** Its URL; null: it is embedded. */
  readonly database: string | null;
}

/** What `AuthenticationGuard` needs beside the limits. `imports`: where the database and Redis come from. */
@Module({})
export class AuthModule {
  static register(imports: NonNullable<ModuleMetadata['imports']>, options: AuthOptions): DynamicModule {
    const logger = new Logger('Identity');
    return {
      module: AuthModule,
      imports,
      providers: [
        {
          provide: Stores,
          useFactory: (source: DataSource, redis: RedisConnection | null) =>
            new Stores(
              new StoredKeys(readKeysFrom(source), systemClock, redis && new RedisKeys(redis.client, systemClock)),
              redis === null ? new MemoryReplays(systemClock) : new RedisReplays(redis.client),
            ),
          inject: [DataSource, RedisConnection],
        },
        {
          provide: IssuedTokens,
          useFactory: (source: DataSource) => new IssuedTokens(source, systemClock),
          inject: [DataSource],
        },
        { provide: Sessions, useFactory: (source: DataSource) => new Sessions(source), inject: [DataSource] },
        {
          provide: IdentityKeys,
          useFactory: (source: DataSource) => {
            const stored = new StoredIdentityKeys(source, options.secretKey);
            const kept = KeptIdentityKeys.in(options.dataDir, options.database, options.secretKey, systemClock);
            return new IdentityKeys(stored, options.identity, systemClock, (news) => logger.warn(news), kept);
          },
          inject: [DataSource],
        },
      ],
      exports: [Stores, IssuedTokens, Sessions, IdentityKeys],
    };
  }
}
