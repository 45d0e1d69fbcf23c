import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#testing';
import { PasswordChecks } from './password-checks.js';
import { hashPassword, isPassword } from './password-hash.js';

const ADDRESS = '192.0.2.1';

function counted(clock = new FakeClock()) {
  const asked: string[] = [];
  const compare = (hash: string, password: string): Promise<boolean> => {
    asked.push(password);
    return Promise.resolve(hash === `hash of ${password}`);
  };
  return { asked, clock, checks: new PasswordChecks(clock, compare) };
}

describe('the hash of a password', () => {
  it('is argon2id at the cost that is advised, and is of that password only', async () => {
    const hashed = await hashPassword('correct horse');
    expect(hashed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(hashed).not.toBe(await hashPassword('correct horse'));
    expect([await isPassword(hashed, 'correct horse'), await isPassword(hashed, 'correct hors')]).toEqual([
      true,
      false,
    ]);
  });

  it('is compared while the event loop goes on', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    // On a busy machine one may be over before we come to turn; if it held us up, no number of them would do.
    for (let hashes = 0; turns <= 2 && hashes < 100; hashes++) await hashPassword('anything');
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });
});

describe('checks of passwords', () => {
  it('ask once for the same, and again when the answer is old', async () => {
    const { asked, clock, checks } = counted();
    const [one, two] = [1, 2].map(() => checks.check('hash of a', 'a', ADDRESS));
    expect([await one, await two]).toEqual([true, true]);
    expect(asked).toEqual(['a']);
    expect(checks.check('hash of a', 'a', ADDRESS)).toBe(true);
    clock.advance(60_000);
    expect(await checks.check('hash of a', 'a', ADDRESS)).toBe(true);
    expect(asked).toEqual(['a', 'a']);
  });

  it('forget sooner that one was wrong, and know another hash as another question', async () => {
    const { asked, clock, checks } = counted();
    expect(await checks.check('hash of a', 'b', ADDRESS)).toBe(false);
    expect(checks.check('hash of a', 'b', ADDRESS)).toBe(false);
    expect(await checks.check('hash of b', 'b', ADDRESS)).toBe(true);
    clock.advance(10_000);
    expect(await checks.check('hash of a', 'b', ADDRESS)).toBe(false);
    expect(asked).toEqual(['b', 'b', 'b']);
  });

  it('go on for those who are known while a flood of guesses has all the turns', async () => {
    const never = new Promise<boolean>(() => undefined);
    let flooded = false;
    const checks = new PasswordChecks(new FakeClock(), () => (flooded ? never : Promise.resolve(true)));
    expect(await checks.check('hash', 'known', ADDRESS)).toBe(true);
    flooded = true;
    const refused: unknown[] = [];
    for (let guess = 0; guess < 500; guess++) {
      void Promise.resolve(checks.check('hash', `guess ${guess}`, `192.0.2.${guess % 100}`)).catch((error: unknown) =>
        refused.push(error),
      );
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(refused).toHaveLength(500 - 102);
    expect(refused[0]).toMatchObject({ code: 'overloaded' });
    expect(checks.check('hash', 'known', ADDRESS)).toBe(true);
  });
});
