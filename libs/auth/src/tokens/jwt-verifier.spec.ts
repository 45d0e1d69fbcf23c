import { afterEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type JwtConfig, Secret } from '#config';
import { Refusal } from '#kernel';
import { FakeClock, type RecordingUpstream, startUpstream } from '#testing';
import { type Outcome, Rejected } from '../methods/method.js';
import { JwtVerifier } from './jwt-verifier.js';

const SECRET = randomBytes(32).toString('hex');
const MINUTE = 60_000;

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

const servers: RecordingUpstream[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

/** An issuer that publishes what `keys` says when it is asked. */
async function issuer(keys: () => string | null): Promise<RecordingUpstream> {
  const server = await startUpstream((_req, res) => {
    const text = keys();
    if (text === null) res.statusCode = 503;
    res.end(text ?? '');
  });
  servers.push(server);
  return server;
}

async function setOf(pairs: Readonly<Record<string, KeyPair>>): Promise<string> {
  const keys = Object.entries(pairs).map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid }));
  return JSON.stringify({ keys: await Promise.all(keys) });
}

function verifierOf(fields: Partial<JwtConfig>, clock: FakeClock, told: string[] = []): JwtVerifier {
  const config: JwtConfig = {
    secrets: [],
    publicKeys: [],
    jwks: [],
    issuer: [],
    audience: [],
    algorithms: ['RS256', 'ES256', 'EdDSA', 'HS256'],
    clockTolerance: 30_000,
    claims: { consumer: 'sub', roles: 'realm.roles', scopes: 'scope' },
    ...fields,
  };
  return new JwtVerifier(config, new Map([['known', { roles: ['gold'], plan: 'big' }]]), clock, (news) =>
    told.push(news),
  );
}

async function token(pair: KeyPair, clock: FakeClock, kid?: string): Promise<string> {
  return await new SignJWT({ sub: 'alice', exp: clock.now() / 1000 + 3600, jti: randomBytes(4).toString('hex') })
    .setProtectedHeader({ alg: 'ES256', ...(kid !== undefined && { kid }) })
    .sign(pair.privateKey);
}

async function refusalOf(outcome: Outcome | Promise<Outcome>): Promise<unknown> {
  try {
    return await outcome;
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.code : thrown;
  }
}

describe('a token that was verified', () => {
  const secrets = [new Secret(SECRET)];
  const signed = async (claims: Record<string, unknown>): Promise<string> =>
    await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(SECRET));

  it('is answered at once the next time, until it expires', async () => {
    const clock = new FakeClock();
    const verifier = verifierOf({ secrets }, clock);
    const text = await signed({ sub: 'alice', exp: clock.now() / 1000 + 60 });
    const first = await verifier.verify(text);
    expect(verifier.verify(text)).toBe(first);
    clock.advance(89_999);
    expect(verifier.verify(text)).toBe(first);
    clock.advance(1);
    expect(await verifier.verify(text)).toBeInstanceOf(Rejected);
  });

  it.each([
    ['exp', -30, false],
    ['exp', -29, true],
    ['nbf', 30, true],
    ['nbf', 31, false],
  ])('may have an %s that is %i seconds away when clocks may be 30 apart: %s', async (claim, seconds, good) => {
    const clock = new FakeClock();
    const now = Math.floor(clock.now() / 1000);
    const text = await signed({ sub: 'alice', exp: now + 600, [claim]: now + seconds });
    const outcome = await verifierOf({ secrets }, clock).verify(text);
    expect(outcome instanceof Rejected).toBe(!good);
  });

  it('may come from a clock that is ahead: when it was issued is no reason to refuse it', async () => {
    const clock = new FakeClock();
    const now = Math.floor(clock.now() / 1000);
    const text = await signed({ sub: 'alice', iat: now + 3600, exp: now + 7200 });
    expect(await verifierOf({ secrets }, clock).verify(text)).toMatchObject({ consumer: 'alice' });
  });

  it.each([
    [{ iss: 'other', aud: 'api' }, 'The issuer (iss)'],
    [{ iss: 'https://issuer' }, 'The audience (aud)'],
    [{ iss: 'https://issuer', aud: 'other' }, 'The audience (aud)'],
    [{ iss: 'https://issuer', aud: 'api', exp: 'soon' }, 'A claim'],
  ])('is refused with the claim that is at fault: %j', async (claims, said) => {
    const verifier = verifierOf({ secrets, issuer: ['https://issuer'], audience: ['api'] }, new FakeClock());
    const outcome = await verifier.verify(await signed({ sub: 'alice', ...claims }));
    expect(outcome).toBeInstanceOf(Rejected);
    expect(outcome).toMatchObject({ reason: expect.stringContaining(said) });
  });

  it('says who is calling, with what a declared consumer of that name has', async () => {
    const clock = new FakeClock();
    const verifier = verifierOf({ secrets }, clock);
    const claims = { sub: 'known', realm: { roles: ['a', 'b', 7] }, scope: 'read  write' };
    expect(await verifier.verify(await signed(claims))).toEqual({
      consumer: 'known',
      id: 'known',
      roles: ['gold', 'a', 'b'],
      scopes: ['read', 'write'],
      plan: 'big',
      credential: 'jwt:known',
      user: 'known',
      claims,
    });
  });

  it('is never more than 10,000 others away from being forgotten', async () => {
    const clock = new FakeClock();
    const verifier = verifierOf({ secrets }, clock);
    const first = await signed({ sub: 'first' });
    await verifier.verify(first);
    const others = await Promise.all(Array.from({ length: 10_000 }, (_, n) => signed({ sub: 'other', n })));
    await Promise.all(others.map(async (other) => await verifier.verify(other)));
    expect(verifier.verify(first)).toBeInstanceOf(Promise);
    expect(verifier.verify(others.at(-1) ?? '')).not.toBeInstanceOf(Promise);
  });
});

describe('the keys of an issuer', () => {
  it('are fetched once for any number of tokens that come together', async () => {
    const clock = new FakeClock();
    const pair = await generateKeyPair('ES256');
    const published = await setOf({ a: pair });
    const server = await issuer(() => published);
    const verifier = verifierOf({ jwks: [{ url: server.url, cache: 10 * MINUTE, cooldown: 30_000 }] }, clock);
    const texts = await Promise.all(Array.from({ length: 50 }, () => token(pair, clock, 'a')));
    for (const outcome of await Promise.all(texts.map(async (text) => await verifier.verify(text)))) {
      expect(outcome).toMatchObject({ consumer: 'alice' });
    }
    expect(server.requests).toHaveLength(1);
  });

  it('are fetched once per cool-down in a flood of unknown ones', async () => {
    const clock = new FakeClock();
    const pair = await generateKeyPair('ES256');
    const published = await setOf({ a: pair });
    const server = await issuer(() => published);
    const verifier = verifierOf({ jwks: [{ url: server.url, cache: 10 * MINUTE, cooldown: 30_000 }] }, clock);
    await verifier.verify(await token(pair, clock, 'a'));
    for (let round = 1; round <= 3; round++) {
      const flood = await Promise.all(Array.from({ length: 200 }, (_, n) => token(pair, clock, `${round}-${n}`)));
      for (const outcome of await Promise.all(flood.map(async (text) => await verifier.verify(text)))) {
        expect(outcome).toBeInstanceOf(Rejected);
      }
      expect(server.requests).toHaveLength(1 + round);
      clock.advance(30_000);
    }
  });

  it('change without a false refusal, and what the old ones signed is forgotten with them', async () => {
    const clock = new FakeClock();
    const [old, fresh] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
    let published = await setOf({ old });
    const server = await issuer(() => published);
    const verifier = verifierOf({ jwks: [{ url: server.url, cache: 10 * MINUTE, cooldown: 30_000 }] }, clock);
    const byOld = await token(old, clock, 'old');
    expect(await verifier.verify(byOld)).toMatchObject({ consumer: 'alice' });
    published = await setOf({ fresh });
    expect(verifier.verify(byOld)).toMatchObject({ consumer: 'alice' });
    expect(await verifier.verify(await token(fresh, clock, 'fresh'))).toMatchObject({ consumer: 'alice' });
    expect(await verifier.verify(byOld)).toBeInstanceOf(Rejected);
  });

  it('may change under the name that they had', async () => {
    const clock = new FakeClock();
    const [old, fresh] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
    let published = await setOf({ only: old });
    const server = await issuer(() => published);
    const verifier = verifierOf({ jwks: [{ url: server.url, cache: 10 * MINUTE, cooldown: 30_000 }] }, clock);
    expect(await verifier.verify(await token(old, clock, 'only'))).toMatchObject({ consumer: 'alice' });
    published = await setOf({ only: fresh });
    for (const kid of ['only', undefined]) {
      expect(await verifier.verify(await token(fresh, clock, kid))).toMatchObject({ consumer: 'alice' });
      expect(await verifier.verify(await token(old, clock, kid))).toBeInstanceOf(Rejected);
    }
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    ['an error', null],
    ['nothing', ''],
    ['an empty set', '{"keys":[]}'],
    ['a page', '<html></html>'],
    ['null', 'null'],
    ['a set without a public key', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'],
    [
      'a set of rubbish',
      '{"keys":[1,null,{},{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}',
    ],
    ['a set that is no list', '{"keys":{"a":1}}'],
    ['more than a megabyte', `{"keys":[],"filler":"${'a'.repeat(1024 * 1024)}"}`],
  ])('stay when the issuer publishes %s in their place', async (_name, broken) => {
    const clock = new FakeClock();
    const told: string[] = [];
    const pair = await generateKeyPair('ES256');
    let published: string | null = await setOf({ a: pair });
    const server = await issuer(() => published);
    const verifier = verifierOf({ jwks: [{ url: server.url, cache: MINUTE, cooldown: 30_000 }] }, clock, told);
    expect(await verifier.verify(await token(pair, clock, 'a'))).toMatchObject({ consumer: 'alice' });
    published = broken;
    for (let round = 0; round < 3; round++) {
      clock.advance(MINUTE);
      // Due: fetched behind the back of this one, which does not wait, and waited for by the next, whose key is unknown.
      expect(await verifier.verify(await token(pair, clock, 'a'))).toMatchObject({ consumer: 'alice' });
      expect(await refusalOf(verifier.verify(await token(pair, clock, 'b')))).toBe('store_unavailable');
      expect(told).toHaveLength(round + 1);
      expect(told.at(-1)).toContain('the keys that are known go on');
    }
  });

  it('that were never had make nobody wrong: it cannot be known', async () => {
    const clock = new FakeClock();
    const pair = await generateKeyPair('ES256');
    let published: string | null = null;
    const server = await issuer(() => published);
    const jwks = [{ url: server.url, cache: MINUTE, cooldown: 30_000 }];
    const verifier = verifierOf({ jwks, secrets: [new Secret(SECRET)] }, clock);
    const text = await token(pair, clock, 'a');
    expect(await refusalOf(verifier.verify(text))).toBe('store_unavailable');
    expect(await refusalOf(verifier.verify(text))).toBe('store_unavailable');
    expect(server.requests).toHaveLength(1);
    // A shared secret needs no issuer.
    const wrong = await new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(SECRET.toUpperCase()));
    expect(await verifier.verify(wrong)).toBeInstanceOf(Rejected);
    published = await setOf({ a: pair });
    clock.advance(30_000);
    expect(await verifier.verify(text)).toMatchObject({ consumer: 'alice' });
  });

  it('are not looked for where a redirect leads', async () => {
    const clock = new FakeClock();
    const pair = await generateKeyPair('ES256');
    const published = await setOf({ a: pair });
    const elsewhere = await issuer(() => published);
    const server = await startUpstream((_req, res) => res.writeHead(302, { location: elsewhere.url }).end());
    servers.push(server);
    const verifier = verifierOf({ jwks: [{ url: server.url, cache: MINUTE, cooldown: 30_000 }] }, clock);
    expect(await refusalOf(verifier.verify(await token(pair, clock, 'a')))).toBe('store_unavailable');
    expect(elsewhere.requests).toHaveLength(0);
  });

  it.each([
    [500, 'alice', []],
    [1_001, null, ['has 1001 keys: only the first 1000 are used']],
  ])('may be many: of %i the last is %j', async (count, consumer, news) => {
    const clock = new FakeClock();
    const [pair, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
    const jwk = await exportJWK(other.publicKey);
    const others = Array.from({ length: count - 1 }, (_, n) => ({ ...jwk, kid: `other-${n}` }));
    const keys = JSON.stringify({ keys: [...others, { ...(await exportJWK(pair.publicKey)), kid: 'a' }] });
    const server = await issuer(() => keys);
    const told: string[] = [];
    const verifier = verifierOf({ jwks: [{ url: server.url, cache: MINUTE, cooldown: 30_000 }] }, clock, told);
    const outcome = await verifier.verify(await token(pair, clock, 'a'));
    expect(outcome instanceof Rejected ? null : outcome.consumer).toBe(consumer);
    expect(told).toEqual(news.map((each) => expect.stringContaining(each)));
  });

  it('are for signatures only, of their own kind, and large enough', async () => {
    const clock = new FakeClock();
    const pair = await generateKeyPair('ES256');
    const jwk = await exportJWK(pair.publicKey);
    for (const odd of [{ use: 'enc' }, { key_ops: ['encrypt'] }, { alg: 'ES384' }, { alg: 'none' }]) {
      const other = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'other' };
      const server = await issuer(() => JSON.stringify({ keys: [{ ...jwk, kid: 'a', ...odd }, other] }));
      const verifier = verifierOf({ jwks: [{ url: server.url, cache: MINUTE, cooldown: 0 }] }, clock);
      expect(await verifier.verify(await token(pair, clock, 'a'))).toBeInstanceOf(Rejected);
    }
  });
});
