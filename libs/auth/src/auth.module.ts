import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { systemClock } from '#kernel';
import { readKeysFrom } from './keys/read-keys.js';
import { StoredKeys } from './keys/stored-keys.js';

/** What `AuthenticationGuard` needs beside the limits. `imports`: where the database comes from. */
@Module({})
export class AuthModule {
  static register(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: AuthModule,
      imports,
      providers: [
        {
          provide: StoredKeys,
          useFactory: (source: DataSource) => new StoredKeys(readKeysFrom(source), systemClock),
          inject: [DataSource],
        },
      ],
      exports: [StoredKeys],
    };
  }
}
