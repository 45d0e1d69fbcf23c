import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type DataSource } from 'typeorm';
import { Refusal } from '#kernel';
import { Storage } from '#storage';
import { FakeClock, startPostgres, type TestDatabase } from '#testing';
import { IdentityKeys } from './identity-keys.js';
import { IdentityTokens } from './identity-tokens.js';
import { SigningKey } from './signing-key.js';
import { StoredIdentityKeys } from './stored-identity-keys.js';

const ignore = (): void => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const terms = { rotate: 30 * 86_400_000, lifetime: 60_000 };
const DAY = '1 day';

let database: TestDatabase;
let storage: Storage;
let source: DataSource;

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  storage = await Storage.open({ url: database.url, pool: 10, dataDir: '', tls: null }, log);
  source = storage.dataSource;
});

beforeEach(async () => {
  await source.query('TRUNCATE identity_keys');
});

afterAll(async () => {
  await storage.close();
  await database.drop();
});

function stored(secretKey?: string): StoredIdentityKeys {
  return new StoredIdentityKeys(source, secretKey);
}

async function kids(keys: StoredIdentityKeys): Promise<readonly string[]> {
  return (await keys.current(terms)).map(({ kid }) => kid);
}

/** As if this much time had passed for these. */
async function age(kid: string | undefined, interval: string): Promise<void> {
  await source.query(
    'UPDATE identity_keys SET created_at = created_at - $2::interval, starts_at = starts_at - $2::interval WHERE kid = $1',
    [kid, interval],
  );
}

describe('the keys in the database', () => {
  it('begin with one, however many instances ask for the first', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, async () => await kids(stored())));
    expect(new Set(all.flat()).size).toBe(1);
    expect(await kids(stored())).toEqual(all[0]);
  });

  it('are followed by others, which are published before they sign and after', async () => {
    const [first] = await kids(stored());
    await age(first, '31 days');
    const [old, next] = await stored().current(terms);
    expect(old?.kid).toBe(first);
    expect(next?.startsIn).toBeGreaterThan(590_000);
    await age(next?.kid, DAY);
    expect(await kids(stored())).toEqual([first, next?.kid]);
    await age(next?.kid, DAY);
    expect(await kids(stored())).toEqual([next?.kid]);
  });

  it('are encrypted where there is a secret to do it with', async () => {
    const [first] = await kids(stored('the secret of this test'));
    const [row] = await source.query<{ private_key: string }[]>('SELECT private_key FROM identity_keys');
    expect(row?.private_key).toMatch(/^aes-gcm:/);
    expect((await stored('the secret of this test').current(terms))[0]?.key?.jwk.kid).toBe(first);
  });

  it('are published, and replaced for oneself, where the secret is another', async () => {
    const [first] = await kids(stored('one secret'));
    const others = await stored('another secret').current(terms);
    expect(others.map(({ kid, key }) => [kid === first, key === null])).toEqual([
      [true, true],
      [false, false],
    ]);
    expect(await kids(stored('one secret'))).toEqual(others.map(({ kid }) => kid));
  });
});

describe('an instance', () => {
  const config = { default: true, issuer: 'aegis', audience: null, keys: [], ...terms };

  it('signs with the key that has begun, and publishes all', async () => {
    const clock = new FakeClock();
    const tokens = IdentityTokens.of(config, null, clock)!;
    const [first] = await kids(stored());
    await age(first, '31 days');
    const keys = new IdentityKeys(stored(), () => tokens, clock, ignore);
    expect(keys.keyFor(tokens)).toBeNull();
    await keys.prepare(tokens);
    expect(keys.keyFor(tokens)?.jwk.kid).toBe(first);
    const [, next] = (await keys.published()).map(({ kid }) => kid);
    expect(next).not.toBe(first);
    clock.advance(600_001);
    expect(keys.keyFor(tokens)?.jwk.kid).toBe(next);
  });

  it('goes on with what it knows while the database is away, and without any says 503', async () => {
    const clock = new FakeClock();
    const tokens = IdentityTokens.of(config, null, clock)!;
    const told: string[] = [];
    let away = false;
    const table = stored();
    const current = async () => {
      if (away) throw new Error('away');
      return await table.current(terms);
    };
    const known = new IdentityKeys(
      { current },
      () => tokens,
      clock,
      (news) => told.push(news),
    );
    await known.prepare(tokens);
    away = true;
    await known.prepare(tokens);
    await known.prepare(tokens);
    expect(known.keyFor(tokens)).not.toBeNull();
    expect(await known.published()).toHaveLength(1);
    expect(told).toEqual(['the keys of signed identities cannot be read, the one that is known goes on: Error: away']);
    const fresh = new IdentityKeys({ current }, () => tokens, clock, ignore);
    const refusal: unknown = await fresh.prepare(tokens).catch((thrown: unknown) => thrown);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({ code: 'store_unavailable', status: 503 });
    away = false;
    await expect(fresh.prepare(tokens)).rejects.toBeInstanceOf(Refusal);
    clock.advance(1_001);
    await fresh.prepare(tokens);
    expect(fresh.keyFor(tokens)).not.toBeNull();
  });

  it('asks nobody where the keys are of the configuration, or nothing is signed', async () => {
    const clock = new FakeClock();
    const { Secret } = await import('#config');
    const tokens = IdentityTokens.of({ ...config, keys: [new Secret(SigningKey.make())] }, null, clock)!;
    const current = (): Promise<never> => Promise.reject(new Error('it was asked'));
    const told: string[] = [];
    for (const each of [tokens, null]) {
      const keys = new IdentityKeys(
        { current },
        () => each,
        clock,
        (news) => told.push(news),
      );
      await keys.onApplicationBootstrap();
      keys.onApplicationShutdown();
      expect(await keys.published()).toHaveLength(each === null ? 0 : 1);
    }
    expect(told).toEqual([]);
  });
});
