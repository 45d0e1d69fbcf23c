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
  it('is made once, and opens', async () => {
    const key = await keys.ensureFirst();
    expect(key).toMatch(/^aegis_admin_[0-9a-f]{40}$/);
    expect(await keys.ensureFirst()).toBeNull();
    expect(await keys.verify(key ?? '')).toBe(true);
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
  it('that nobody has does not open', async () => {
    await keys.ensureFirst();
    expect(await keys.verify('')).toBe(false);
    expect(await keys.verify(`aegis_admin_${'0'.repeat(40)}`)).toBe(false);
  });

  it('is one of as many as are made', async () => {
    const first = await keys.create('laptop');
    const second = await keys.create('pipeline');
    expect(first).not.toBe(second);
    expect(await keys.verify(first)).toBe(true);
    expect(await keys.verify(second)).toBe(true);
    expect(await source.getRepository(Consumer).count()).toBe(1);
  });

  it('does not open once it is revoked or has expired', async () => {
    const revoked = await keys.create('revoked');
    const expired = await keys.create('expired');
    await source.query(`UPDATE credentials SET revoked_at = now() WHERE name = 'revoked'`);
    await source.query(`UPDATE credentials SET expires_at = now() - interval '1 second' WHERE name = 'expired'`);
    expect(await keys.verify(revoked)).toBe(false);
    expect(await keys.verify(expired)).toBe(false);
  });

  it('of a consumer without the role of an administrator does not open', async () => {
    const key = await keys.create('demoted');
    await source.query(`UPDATE consumers SET roles = '{viewer}'`);
    expect(await keys.verify(key)).toBe(false);
  });

  it('shows when it was last used, but is not written at every use', async () => {
    const key = await keys.create('laptop');
    await keys.verify(key);
    const used = async (): Promise<Date | null | undefined> =>
      (await source.getRepository(Credential).findOneBy({ name: 'laptop' }))?.lastUsedAt;
    const first = await used();
    expect(first).toBeInstanceOf(Date);
    await keys.verify(key);
    expect(await used()).toEqual(first);
    await source.query(`UPDATE credentials SET last_used_at = now() - interval '2 minutes'`);
    await keys.verify(key);
    expect((await used())?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? 0);
  });
});
