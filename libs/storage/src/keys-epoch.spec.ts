import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type DataSource } from 'typeorm';
import { startPostgres, type TestDatabase } from '#testing';
import { ConfigRecords } from './configuration/config-records.js';
import { ConsumerKeys } from './consumer-keys.js';
import { Storage } from './storage.js';

const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const OWNER = '00000000-0000-7000-8000-000000000001';
const KEY = '00000000-0000-7000-8000-000000000002';
const TOKEN = '00000000-0000-7000-8000-000000000003';
const REFRESH = '00000000-0000-7000-8000-000000000004';

let database: TestDatabase;
let storage: Storage;
let source: DataSource;
let records: ConfigRecords;

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  storage = await Storage.open({ url: database.url, pool: 3, dataDir: '', tls: null }, quiet);
  source = storage.dataSource;
  records = new ConfigRecords(source);
});

afterAll(async () => {
  await storage.close();
  await database.drop();
});

beforeEach(async () => {
  await source.query('DELETE FROM consumers');
  await source.query(`INSERT INTO consumers (id, name, roles) VALUES ('${OWNER}', 'owner', '{user}')`);
  await source.query(
    `INSERT INTO credentials (id, consumer_id, kind, name, prefix, hash) VALUES ('${KEY}', '${OWNER}', 'api-key', 'k', 'p', sha256('k'))`,
  );
  await source.query(
    `INSERT INTO issued_tokens (id, hash, kind, family, consumer, consumer_id, credential, expires_at)
     VALUES ('${TOKEN}', sha256('t'), 'access', '${TOKEN}', 'owner', '${OWNER}', 'c', now() + interval '1 hour'),
            ('${REFRESH}', sha256('r'), 'refresh', '${TOKEN}', 'owner', '${OWNER}', 'c', now() + interval '1 hour')`,
  );
});

async function epoch(): Promise<string> {
  return (await records.head()).keysEpoch ?? '';
}

describe('the epoch of the keys', () => {
  it.each([
    ['a key is revoked', `UPDATE credentials SET revoked_at = now()`],
    ['a key is to expire', `UPDATE credentials SET expires_at = now()`],
    ['the scopes of a key change', `UPDATE credentials SET scopes = '{a}'`],
    ['a key is deleted', `DELETE FROM credentials`],
    ['its owner gets other roles', `UPDATE consumers SET roles = '{admin}'`],
    ['its owner gets another plan', `UPDATE consumers SET plan = 'gold'`],
    ['its owner is deleted', `DELETE FROM consumers`],
    ['a token is revoked', `UPDATE issued_tokens SET revoked_at = now() WHERE kind = 'access'`],
  ])('is another when %s, and that is announced', async (_, sql) => {
    const before = await epoch();
    let stop: () => void = () => undefined;
    const announced = new Promise<void>((resolve) => {
      // It is called when it listens, and then for what is announced.
      let calls = 0;
      const notifications = storage.listen('aegis_config', () => {
        calls++;
        if (calls === 1) void source.query(sql);
        else resolve();
      });
      stop = () => void notifications.close();
    });
    await announced;
    stop();
    expect(await epoch()).not.toBe(before);
    expect((await epoch()).slice(0, 36)).toBe(before.slice(0, 36));
  });

  it.each([
    ['a key was used', `UPDATE credentials SET last_used_at = now()`],
    ['a consumer is written as it was', `UPDATE consumers SET plan = plan, roles = roles, updated_at = now()`],
    ['a refresh token was used', `UPDATE issued_tokens SET revoked_at = now() WHERE kind = 'refresh'`],
  ])('stays the same when %s', async (_, sql) => {
    const before = await epoch();
    await source.query(sql);
    expect(await epoch()).toBe(before);
  });

  it('stays the same when a key is made', async () => {
    const before = await epoch();
    const keys = new ConsumerKeys(source);
    expect(await keys.create(source.manager, 'owner', { name: 'n', scopes: [], expiresAt: null })).not.toBeNull();
    expect(await epoch()).toBe(before);
  });

  it('never comes twice, and is the old one again when a change was taken back', async () => {
    const seen = new Set([await epoch()]);
    for (let n = 0; n < 5; n++) {
      const before = await epoch();
      await expect(
        source.transaction(async (manager) => {
          await manager.query('UPDATE credentials SET revoked_at = now()');
          throw new Error('taken back');
        }),
      ).rejects.toThrow('taken back');
      expect(await epoch()).toBe(before);
      await source.query('UPDATE credentials SET revoked_at = now()');
      expect(seen.has(await epoch())).toBe(false);
      seen.add(await epoch());
    }
  });
});

function ignore(): void {
  // Tests look at what it does.
}
