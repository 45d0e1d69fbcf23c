import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { systemClock } from '#kernel';
import { RedisConnection } from '#storage';
import { IssuedTokens } from './issued/issued-tokens.js';
import { readKeysFrom } from './keys/read-keys.js';
import { RedisKeys } from './keys/redis-keys.js';
import { StoredKeys } from './keys/stored-keys.js';
import { MemoryReplays, RedisReplays } from './signatures/replays.js';
import { Stores } from './stores.js';

/** What `AuthenticationGuard` needs beside the limits. `imports`: where the database and Redis come from. */
@Module({})
export class AuthModule {
  static register(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
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
      ],
      exports: [Stores, IssuedTokens],
    };
  }
}
