import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeClock, scratchFolder } from '#testing';
import { IdentityKeys } from './identity-keys.js';
import { IdentityTokens } from './identity-tokens.js';
import { KeptIdentityKeys } from './kept-identity-keys.js';
import { SigningKey } from './signing-key.js';
import { type StoredIdentityKey } from './stored-identity-keys.js';

const SECRET = 'the secret of this test';
const DATABASE = 'postgres://aegis:old@db.example:5432/aegis';
const HOUR = 3_600_000;

function made(startsIn: number): StoredIdentityKey {
  const key = SigningKey.read(SigningKey.make());
  return { kid: key.jwk.kid, jwk: key.jwk, key, startsIn, age: 0, usable: true };
}

const current = made(-5 * HOUR);
const next = made(600_000);
const ofAnother: StoredIdentityKey = { ...made(-HOUR), key: null, usable: false };
const all = [ofAnother, current, next];

function keptIn(folder: string, clock: FakeClock, secret = SECRET, database = DATABASE): KeptIdentityKeys {
  return KeptIdentityKeys.in(folder, database, secret, clock)!;
}

async function written(): Promise<{ folder: string; file: string; clock: FakeClock }> {
  const [folder, clock] = [scratchFolder('kept-keys'), new FakeClock()];
  await keptIn(folder, clock).write(all);
  return { folder, file: join(folder, 'config', 'identity-keys'), clock };
}

describe('keys that are kept on disk', () => {
  it('come back as they were, sealed meanwhile, in a file of our own', async () => {
    const { folder, file, clock } = await written();
    clock.advance(HOUR);
    const back = keptIn(folder, clock).read();
    expect(back.map(({ jwk, startsIn }) => [jwk, startsIn])).toEqual(
      all.map((each) => [each.jwk, each.startsIn - HOUR]),
    );
    expect(back.map(({ key }) => key?.pem())).toEqual(all.map(({ key }) => key?.pem()));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^aes-gcm:[\w.-]+$/);
    expect(text).not.toContain(current.kid);
    expect(readdirSync(join(folder, 'config'))).toEqual(['identity-keys']);
  });

  it('are none by another secret, of another database, when somebody changed them, or after a day', async () => {
    const { folder, file, clock } = await written();
    expect(keptIn(folder, clock, 'another').read()).toEqual([]);
    expect(keptIn(folder, clock, SECRET, 'postgres://aegis@db.example/other').read()).toEqual([]);
    // Only the password is another.
    expect(keptIn(folder, clock, SECRET, 'postgres://aegis:new@db.example:5432/aegis').read()).toHaveLength(3);
    clock.advance(24 * HOUR);
    expect(keptIn(folder, clock).read()).toHaveLength(3);
    clock.advance(1);
    expect(keptIn(folder, clock).read()).toEqual([]);
    // A clock that was set back makes nothing young.
    expect(keptIn(folder, new FakeClock(Date.UTC(2025, 11, 31))).read()).toEqual([]);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`);
    expect(keptIn(folder, new FakeClock()).read()).toEqual([]);
    expect(keptIn(scratchFolder('nothing-kept'), clock).read()).toEqual([]);
  });

  it('are kept nowhere without a secret, nor where the database is on the same disk', () => {
    const clock = new FakeClock();
    for (const secret of [undefined, '']) expect(KeptIdentityKeys.in('/nowhere', DATABASE, secret, clock)).toBeNull();
    expect(KeptIdentityKeys.in('/nowhere', null, SECRET, clock)).toBeNull();
  });

  it('are written again when there are others, and once an hour', async () => {
    const { folder, file, clock } = await written();
    const kept = keptIn(folder, clock);
    const textAfter = async (keys: readonly StoredIdentityKey[]): Promise<string> => {
      await kept.write(keys);
      return readFileSync(file, 'utf8');
    };
    const first = await textAfter(all);
    clock.advance(HOUR - 1);
    expect(await textAfter(all)).toBe(first);
    clock.advance(1);
    const second = await textAfter(all);
    expect(second).not.toBe(first);
    expect(await textAfter([current, next])).not.toBe(second);
    expect(kept.read()).toHaveLength(2);
  });
});

describe('an instance that starts while the database is away', () => {
  const config = { default: true, issuer: 'aegis', audience: null, keys: [], rotate: 30 * 24 * HOUR, lifetime: 60_000 };
  const away = { current: (): Promise<never> => Promise.reject(new Error('away')) };

  it('signs with the kept key that has begun, publishes all, and goes over to the next in time', async () => {
    const { folder, clock } = await written();
    const tokens = IdentityTokens.of(config, null, clock)!;
    const told: string[] = [];
    const tell = (news: string): void => void told.push(news);
    const keys = new IdentityKeys(away, () => tokens, clock, tell, keptIn(folder, clock));
    await keys.onApplicationBootstrap();
    keys.onApplicationShutdown();
    expect(keys.keyFor(tokens)?.jwk.kid).toBe(current.kid);
    expect((await keys.published()).map(({ kid }) => kid)).toEqual(all.map(({ kid }) => kid));
    clock.advance(600_001);
    expect(keys.keyFor(tokens)?.jwk.kid).toBe(next.kid);
    expect(told).toEqual([
      'identities are signed with the keys that were kept on disk',
      'the keys of signed identities cannot be read, the one that is known goes on: Error: away',
    ]);
  });

  it('takes those of the database as soon as it is back, and keeps them', async () => {
    const { folder, clock } = await written();
    const tokens = IdentityTokens.of(config, null, clock)!;
    const other = made(-1);
    let there = false;
    const stored = { current: async () => (there ? Promise.resolve([other]) : Promise.reject(new Error('away'))) };
    const keys = new IdentityKeys(
      stored,
      () => tokens,
      clock,
      () => undefined,
      keptIn(folder, clock),
    );
    await keys.prepare(tokens);
    there = true;
    clock.advance(1_001);
    await keys.prepare(tokens);
    expect(keys.keyFor(tokens)?.jwk.kid).toBe(other.kid);
    const deadline = Date.now() + 5_000;
    const reader = keptIn(folder, clock);
    while (reader.read().length !== 1 && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
    expect(reader.read().map(({ jwk }) => jwk.kid)).toEqual([other.kid]);
  });
});
