import { join } from 'node:path';
import { type INestApplicationContext, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { describe, expect, it } from '@jest/globals';
import { type Repository } from 'typeorm';
import { freePort, scratchFolder, startPostgres, startRedis } from '#testing';
import { AdminKeys } from './admin-keys.js';
import { Consumer } from './entities/consumer.js';
import { InstanceRegistry } from './instance-registry.js';
import { RedisConnection } from './redis/redis-connection.js';
import { Storage } from './storage.js';
import { StorageModule, type StorageOptions } from './storage.module.js';

const ignore = (): void => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const none = { sentinels: [], master: null, cluster: [], tls: null, keyPrefix: '' };

const quiet = { logger: false, abortOnError: false } as const;

/** Uses the database to the very end. */
class LastWord implements OnApplicationShutdown {
  administrators: number | undefined;

  constructor(private readonly consumers: Repository<Consumer>) {}

  async onApplicationShutdown(): Promise<void> {
    this.administrators = await this.consumers.countBy({ name: 'admin' });
  }
}

describe('the storage module', () => {
  it('gives the stores to those who ask, and closes them after everybody who uses them', async () => {
    const database = await (await startPostgres()).createDatabase();
    const server = await startRedis();
    const app = await start({
      database: { url: database.url, pool: 3, dataDir: '', tls: null },
      redis: RedisConnection.open({ ...none, url: server.url }, log),
      log,
    });
    expect(await app.get(AdminKeys).ensureFirst()).toMatch(/^aegis_admin_/);
    await app.get(InstanceRegistry).heartbeat({ version: '1', configVersion: 1, configHash: 'x' });
    expect(app.get(RedisConnection)).toBeInstanceOf(RedisConnection);
    const [storage, lastWord] = [app.get(Storage), app.get(LastWord)];
    await app.close();
    expect(lastWord.administrators).toBe(1);
    expect(storage.dataSource.isInitialized).toBe(false);
    await server.stop();
    await database.drop();
  });

  it('runs on the embedded database and without Redis when nothing is configured', async () => {
    const dataDir = join(scratchFolder('module'), 'postgres');
    const app = await start({ database: { url: null, pool: 3, dataDir, tls: null }, redis: null, log });
    expect(await app.get(Storage).state()).toBe('embedded');
    expect(app.get(RedisConnection)).toBeNull();
    const { pid } = Reflect.get(app.get(Storage), 'server') as { pid: number };
    await app.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('fails with the one line when the database cannot be reached', async () => {
    const url = `postgres://u@127.0.0.1:${await freePort()}/db`;
    const starting = start({ database: { url, pool: 3, dataDir: '', tls: null }, redis: null, log });
    await expect(starting).rejects.toThrow(/^PostgreSQL at 127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)/);
  });
});

async function start(options: StorageOptions): Promise<INestApplicationContext> {
  @Module({
    imports: [StorageModule.forRoot(options), TypeOrmModule.forFeature([Consumer])],
    providers: [
      {
        provide: LastWord,
        useFactory: (consumers: Repository<Consumer>) => new LastWord(consumers),
        inject: [getRepositoryToken(Consumer)],
      },
    ],
  })
  class App {}
  return await NestFactory.createApplicationContext(App, quiet);
}
