import { describe, expect, it } from '@jest/globals';
import { exchangeOf, FakeClock } from '#testing';
import { PasswordChecks } from '../passwords/password-checks.js';
import { BasicMethod } from './basic.js';
import { Rejected } from './method.js';

const principal = {
  consumer: 'app',
  id: 'app',
  roles: [],
  scopes: [],
  plan: null,
  credential: 'basic:alice',
  user: 'alice',
  claims: {},
};

function method(users: readonly string[] = ['alice']) {
  const asked: string[] = [];
  const checks = new PasswordChecks(new FakeClock(), (hash, password) => {
    asked.push(hash);
    return Promise.resolve(password === 'pass:wörd');
  });
  const owners = new Map(users.map((user) => [user, { hash: `hash of ${user}`, principal }]));
  return { asked, basic: new BasicMethod(owners, checks) };
}

function sent(authorization: string) {
  return method().basic.credentialIn(exchangeOf({ headers: { authorization } }));
}

function encoded(text: string | Buffer): string {
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

describe('basic authentication', () => {
  it('reads the user up to the first colon and the password as UTF-8', () => {
    expect(sent(encoded('alice:pass:wörd'))).toEqual({ user: 'alice', password: 'pass:wörd', address: '192.0.2.1' });
    expect(sent(encoded('alice:'))).toMatchObject({ user: 'alice', password: '' });
    expect(sent(encoded('alice:x').replace(/=+$/, ''))).toMatchObject({ user: 'alice' });
    expect(sent('Bearer x')).toBeNull();
  });

  it.each([
    ['no colon', encoded('alice')],
    ['not Base64', 'Basic a:b!'],
    ['bits that decoding loses', 'Basic YWxpY2U6eB=='],
    ['not UTF-8', encoded(Buffer.from([97, 58, 0xff]))],
    ['a line break', encoded('alice:x\r\ny')],
    ['a NUL', encoded('alice\0:x')],
    ['far too much', encoded(`alice:${'x'.repeat(4000)}`)],
  ])('rejects %s without asking', async (_, authorization) => {
    const { asked, basic } = method();
    const credential = basic.credentialIn(exchangeOf({ headers: { authorization } }));
    expect(credential).not.toBeNull();
    expect(await basic.verify(credential!)).toBeInstanceOf(Rejected);
    expect(asked).toEqual([]);
  });

  it('knows a user by the password, and answers a wrong one and an unknown user alike, at the same cost', async () => {
    const { asked, basic } = method();
    const address = '192.0.2.1';
    expect(await basic.verify({ user: 'alice', password: 'pass:wörd', address })).toBe(principal);
    const wrong = await basic.verify({ user: 'alice', password: 'wrong', address });
    const unknown = await basic.verify({ user: 'bob', password: 'wrong too', address });
    expect([wrong, unknown]).toEqual([expect.any(Rejected), wrong]);
    expect(asked).toEqual(['hash of alice', 'hash of alice', 'hash of alice']);
  });

  it('lets nobody in by the password of another, nor where there are no users', async () => {
    const right = { password: 'pass:wörd', address: '192.0.2.1' };
    expect(await method().basic.verify({ user: 'bob', ...right })).toBeInstanceOf(Rejected);
    const { asked, basic } = method([]);
    expect(await basic.verify({ user: 'bob', ...right })).toBeInstanceOf(Rejected);
    expect(asked).toEqual([expect.stringMatching(/^\$argon2id\$/)]);
  });
});
