import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, importJWK, jwtVerify } from 'jose';
import { Secret } from '#config';
import { type Principal } from '#kernel';
import { FakeClock } from '#testing';
import { IdentityTokens } from './identity-tokens.js';
import { SigningKey } from './signing-key.js';

const CONFIG = { default: true, issuer: 'aegis', audience: null, lifetime: 60_000, rotate: 1, keys: [] };
const key = SigningKey.read(SigningKey.make());

function principal(fields: Partial<Principal> = {}): Principal {
  const nothing = { scopes: [], plan: null, credential: '', user: null, claims: {} };
  return { consumer: 'app', id: '1', roles: ['user'], ...nothing, ...fields };
}

function tokens(clock = new FakeClock()): IdentityTokens {
  return IdentityTokens.of(CONFIG, null, clock)!;
}

function tokenIn(line: string): string {
  return /^X-Aegis-Identity: (\S+)\r\n$/.exec(line)?.[1] ?? '';
}

describe('a signed identity', () => {
  it.each([
    ['ES256', 'ec', { namedCurve: 'P-256' }],
    ['EdDSA', 'ed25519', {}],
  ])('is a JWT that others verify: %s', async (alg, type, options) => {
    const pair = generateKeyPairSync(type as 'ec', options as { namedCurve: string });
    const written = [
      pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      JSON.stringify(pair.privateKey.export({ format: 'jwk' })),
    ];
    const [pem, jwk] = written.map((each) => SigningKey.read(each));
    expect(pem?.jwk).toEqual(jwk?.jwk);
    expect(pem?.jwk).toMatchObject({ alg, use: 'sig', kid: await calculateJwkThumbprint({ ...pem?.jwk }) });
    expect(pem?.jwk).not.toHaveProperty('d');
    const clock = new FakeClock();
    const line = tokens(clock).line(principal({ consumer: 'Jürgen' }), 'jwt', 'users', pem!);
    const { payload, protectedHeader } = await jwtVerify(tokenIn(line), await importJWK({ ...pem?.jwk }), {
      issuer: 'aegis',
      audience: 'users',
      currentDate: new Date(clock.now()),
    });
    const iat = Math.floor(clock.now() / 1000);
    expect(payload).toEqual({
      ...{ iss: 'aegis', aud: 'users', iat, exp: iat + 60 },
      ...{ sub: 'Jürgen', id: '1', roles: ['user'], scopes: [], plan: null, user: null, method: 'jwt' },
    });
    expect(protectedHeader).toEqual({ alg, kid: pem?.jwk.kid, typ: 'JWT' });
  });

  it('is used again until half of its life is over', () => {
    const clock = new FakeClock();
    const signed = tokens(clock);
    const app = principal();
    const first = signed.line(app, 'api-key', 'users', key);
    clock.advance(29_999);
    expect(signed.line(app, 'api-key', 'users', key)).toBe(first);
    // What is read again from the database is another object that says the same.
    expect(signed.line(principal(), 'api-key', 'users', key)).toBe(first);
    clock.advance(1);
    const second = signed.line(app, 'api-key', 'users', key);
    expect(second).not.toBe(first);
    expect(signed.line(principal(), 'api-key', 'users', key)).toBe(second);
  });

  it('is another one for whatever it says differently', () => {
    const signed = tokens();
    const app = principal();
    const lines = [
      signed.line(app, 'api-key', 'users', key),
      signed.line(app, 'api-key', 'orders', key),
      signed.line(app, 'jwt', 'users', key),
      ...[
        { roles: [] },
        { roles: ['a', 'b'] },
        { roles: ['a,b'] },
        { scopes: ['a'] },
        { plan: 'gold' },
        { user: 'u' },
      ].map((fields) => signed.line(principal(fields), 'api-key', 'users', key)),
    ];
    expect(new Set(lines).size).toBe(lines.length);
    expect(signed.line(app, 'api-key', 'users', key)).toBe(lines[0]);
  });

  it('goes on being used over a reload, unless the settings changed', () => {
    const clock = new FakeClock();
    const first = tokens(clock);
    expect(IdentityTokens.of({ ...CONFIG }, first, clock)).toBe(first);
    expect(IdentityTokens.of({ ...CONFIG, issuer: 'other' }, first, clock)).not.toBe(first);
    const withKey = (): IdentityTokens => {
      return IdentityTokens.of({ ...CONFIG, keys: [new Secret(SigningKey.make())] }, first, clock)!;
    };
    expect(withKey()).not.toBe(first);
    expect(withKey().own[0]?.jwk.kid).not.toBe(withKey().own[0]?.jwk.kid);
  });
});
