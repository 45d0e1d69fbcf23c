import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type DataSource } from 'typeorm';
import { FakeClock, startPostgres, type TestDatabase } from '#testing';
import { AdminKeys } from './admin-keys.js';
import { Consumer } from './entities/consumer.js';
import { Credential } from './entities/credential.js';
import { Storage } from './storage.js';

const ignore = (): void => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const clock = new FakeClock();

let database: TestDatabase;
let storage: Storage;
let source: DataSource;
let keys: AdminKeys;

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  storage = await Storage.open({ url: database.url, pool: 10, dataDir: '', tls: null }, log);
  source = storage.dataSource;
  keys = new AdminKeys(source, clock);
});

beforeEach(async () => {
  await source.query('TRUNCATE consumers CASCADE');
});

afterAll(async () => {
  await storage.close();
  await database.drop();
});

describe('the first admin key', () => {
  it('is made once', async () => {
    const key = await keys.ensureFirst();
    expect(key).toMatch(/^aegis_admin_[0-9a-f]{40}$/);
    expect(await keys.ensureFirst()).toBeNull();
  });

  it('is made by one of ten instances that start together', async () => {
    const made = await Promise.all(
      Array.from({ length: 10 }, async () => await new AdminKeys(source, clock).ensureFirst()),
    );
    expect(made.filter((key) => key !== null)).toHaveLength(1);
    expect(await source.getRepository(Credential).count()).toBe(1);
  });

  it('is not made again when it was revoked', async () => {
    await keys.ensureFirst();
    await source.query('UPDATE credentials SET revoked_at = now()');
    expect(await keys.ensureFirst()).toBeNull();
  });

  it('is stored as a hash, with only its beginning to recognise it by', async () => {
    const key = (await keys.ensureFirst()) ?? '';
    const [stored] = await source.getRepository(Credential).find({ relations: { consumer: true } });
    expect(stored?.hash).toHaveLength(32);
    expect(key.startsWith(stored?.prefix ?? 'none')).toBe(true);
    expect(stored?.prefix.length).toBeLessThan(20);
    expect(stored?.consumer).toMatchObject({ name: 'admin', roles: ['admin'], plan: null, tags: {} });
    expect(JSON.stringify(stored)).not.toContain(key);
  });
});

describe('a key', () => {
  it('is one of as many as are made', async () => {
    const first = await keys.create('laptop');
    const second = await keys.create('pipeline');
    const stored = await source.getRepository(Credential).find({ order: { createdAt: 'ASC' } });
    const sha256 = (key: string): Buffer => createHash('sha256').update(key).digest();
    expect(stored.map(({ hash }) => hash)).toEqual([sha256(first), sha256(second)]);
    expect(await source.getRepository(Consumer).count()).toBe(1);
  });

  it('makes an administrator of who was demoted', async () => {
    await keys.ensureFirst();
    await source.query(`UPDATE consumers SET roles = '{viewer}'`);
    await keys.create('recovery');
    expect((await source.getRepository(Consumer).find()).map(({ roles }) => roles)).toEqual([['admin', 'viewer']]);
  });
});
