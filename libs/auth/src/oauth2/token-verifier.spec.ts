import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Refusal } from '#kernel';
import { FakeClock, type RecordingUpstream, startUpstream } from '#testing';
import { Rejected } from '../methods/method.js';
import { TokenVerifier } from './token-verifier.js';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

let server: RecordingUpstream;
let pair: KeyPair;
let publishesKeys: boolean;
let clock: FakeClock;
let told: string[];

beforeAll(async () => {
  pair = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k', use: 'sig' }];
  server = await startUpstream((req, res) => {
    res.setHeader('Content-Type', 'application/json');
    if (req.url === '/keys') res.end(JSON.stringify({ keys }));
    else res.end(JSON.stringify({ issuer: server.url, ...(publishesKeys && { jwks_uri: `${server.url}/keys` }) }));
  });
});

beforeEach(() => {
  clock = new FakeClock(Date.now());
  told = [];
});

afterAll(async () => {
  await server.stop();
});

function verifier({ issuer = server.url, introspection = false } = {}): TokenVerifier {
  const config = { issuer, clientId: 'aegis', clientSecret: null, audience: [], introspection };
  const login = { enabled: false, redirect: '/', scopes: ['openid'], claim: 'groups', roles: {} };
  const whole = { ...config, introspectionCache: 0, login };
  return new TokenVerifier(whole, null, new Map(), clock, (news) => told.push(news));
}

async function token(sub: string): Promise<string> {
  return await new SignJWT({ sub, iss: server.url })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setExpirationTime('2h')
    .sign(pair.privateKey);
}

async function thrownBy(tokens: TokenVerifier): Promise<unknown> {
  return await Promise.resolve(tokens.verify(await token('alice'), '')).catch((thrown: unknown) => thrown);
}

function discoveries(): number {
  return server.requests.filter(({ url }) => url.includes('well-known')).length;
}

describe('a token that the issuer is asked about', () => {
  it.each([
    [{}, true],
    [{ exp: Math.floor(Date.now() / 1000) + 600 }, true],
    [{ exp: String(Math.floor(Date.now() / 1000) + 600) }, false],
    [{ nbf: 'now' }, false],
    [{ exp: null }, true],
    [{ exp: 1 }, false],
  ])('is good for as long as it says, in a number: %j', async (times, good) => {
    const asked = await startUpstream((req, res) => {
      res.setHeader('Content-Type', 'application/json');
      const introspected = { active: true, sub: 'alice', ...times };
      const metadata = { issuer: asked.url, introspection_endpoint: `${asked.url}/introspect` };
      res.end(JSON.stringify(req.url === '/introspect' ? introspected : metadata));
    });
    const outcome = await verifier({ issuer: asked.url, introspection: true }).verify('opaque', '');
    await asked.stop();
    expect(outcome instanceof Rejected).toBe(!good);
  });
});

describe('an issuer whose answer never ends', () => {
  it('is given up after a megabyte, and is one that nobody can ask', async () => {
    let sent = 0;
    const endless = await startUpstream((_req, res) => {
      res.setHeader('Content-Type', 'application/json');
      const piece = Buffer.alloc(65_536, ' ');
      const more = (): void => {
        while (!res.destroyed && res.write(piece)) sent += piece.length;
        if (!res.destroyed) res.once('drain', more);
      };
      more();
    });
    const tokens = verifier({ issuer: endless.url });
    expect(await thrownBy(tokens)).toMatchObject({ code: 'store_unavailable', status: 503 });
    expect(told).toEqual([expect.stringContaining('more than 1048576 bytes')]);
    await endless.stop();
    // What is in the buffers of both sides may have been on its way.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('an issuer that publishes no keys', () => {
  it('is one that nobody can ask: 503 with a line in the log, and asked again after a rest', async () => {
    publishesKeys = false;
    const tokens = verifier();
    const before = discoveries();
    for (let i = 0; i < 3; i++) {
      const thrown = await thrownBy(tokens);
      expect(thrown).toBeInstanceOf(Refusal);
      expect(thrown).toMatchObject({ code: 'store_unavailable', status: 503 });
    }
    expect(discoveries() - before).toBe(1);
    expect(told).toEqual([`the issuer ${server.url} publishes no keys (jwks_uri): no JWT of it can be verified`]);
    publishesKeys = true;
    clock.advance(5_001);
    await thrownBy(tokens);
    await expect(settled(tokens)).resolves.toMatchObject({ consumer: 'alice' });
    expect(discoveries() - before).toBe(2);
  });

  it('does not make those forgotten that it published before', async () => {
    publishesKeys = true;
    const tokens = verifier();
    expect(await tokens.verify(await token('alice'), '')).toMatchObject({ consumer: 'alice' });
    publishesKeys = false;
    clock.advance(3_600_001);
    const before = discoveries();
    for (const sub of ['bob', 'carol']) {
      expect(await tokens.verify(await token(sub), '')).toMatchObject({ consumer: sub });
    }
    expect(discoveries() - before).toBe(1);
    expect(told).toEqual([]);
  });
});

/** What is known is used while it is asked again, so the first answer after that may still be the old one. */
async function settled(tokens: TokenVerifier): Promise<unknown> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const outcome = await thrownBy(tokens);
    if (!(outcome instanceof Refusal) || performance.now() > deadline) return outcome;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
