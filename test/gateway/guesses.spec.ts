import { createHash, createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { hashPassword } from '#auth';
import { type RecordingUpstream, type SpawnedGateway, spawnGateway, StoppablePostgres, startUpstream } from '#testing';

const KEY = 'key-of-somebody';
const PASSWORD = 'pass of somebody';
const SECRET = randomBytes(32).toString('hex');
const TOKEN_SECRET = randomBytes(48).toString('hex');
const MORE_THAN_ALLOWED = 50;
const OAUTH = '/api/admin/oauth/token';

let postgres: StoppablePostgres;
let issuer: RecordingUpstream;
let gateway: SpawnedGateway;

interface Sent {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function send(from: string, { path, headers = {}, ...rest }: Sent): Promise<{ status: number; code: string }> {
  const answer = await fetch(gateway.url + path, { ...rest, headers: { 'x-forwarded-for': from, ...headers } });
  const text = await answer.text();
  const { code = '' } = (text.startsWith('{') ? JSON.parse(text) : {}) as { code?: string };
  return { status: answer.status, code };
}

function form(fields: Record<string, string>): Pick<Sent, 'method' | 'headers' | 'body'> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', headers, body: new URLSearchParams(fields).toString() };
}

function signature(secret: string): Record<string, string> {
  const nonce = randomBytes(8).toString('hex');
  const input = `("@method" "@path");created=${Math.floor(Date.now() / 1000)};keyid="k";nonce="${nonce}"`;
  const base = `"@method": GET\n"@path": /signed\n"@signature-params": ${input}`;
  const bytes = createHmac('sha256', secret).update(base).digest('base64');
  return { 'signature-input': `s=${input}`, signature: `s=:${bytes}:` };
}

function password(text: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`somebody:${text}`).toString('base64')}` };
}

async function token(secret: string, alg = 'HS256'): Promise<Record<string, string>> {
  const made = new SignJWT({ sub: 'somebody', jti: randomBytes(4).toString('hex') }).setProtectedHeader({ alg });
  return { authorization: `Bearer ${await made.setExpirationTime('1h').sign(Buffer.from(secret))}` };
}

/** A guess, and what was right. */
const WAYS: Readonly<Record<string, readonly [guess: () => Promise<Sent>, right: () => Promise<Sent>]>> = {
  'an API key': [
    () => Promise.resolve({ path: '/keys', headers: { 'x-api-key': randomBytes(8).toString('hex') } }),
    () => Promise.resolve({ path: '/keys', headers: { 'x-api-key': KEY } }),
  ],
  'a token': [
    async () => ({ path: '/tokens', headers: await token(randomBytes(48).toString('hex')) }),
    async () => ({ path: '/tokens', headers: await token(TOKEN_SECRET) }),
  ],
  'a password': [
    () => Promise.resolve({ path: '/passwords', headers: password(randomBytes(8).toString('hex')) }),
    () => Promise.resolve({ path: '/passwords', headers: password(PASSWORD) }),
  ],
  'a signature': [
    () => Promise.resolve({ path: '/signed', headers: signature(randomBytes(32).toString('hex')) }),
    () => Promise.resolve({ path: '/signed', headers: signature(SECRET) }),
  ],
  'a credential of the admin API': [
    () =>
      Promise.resolve({
        path: '/api/admin/me',
        headers: { authorization: `Bearer ${randomBytes(8).toString('hex')}` },
      }),
    () => Promise.resolve({ path: '/api/admin/me', headers: { 'x-api-key': gateway.adminKey } }),
  ],
  'a key to sign in with': [
    () => Promise.resolve({ path: '/api/admin/login', ...form({ key: randomBytes(8).toString('hex') }) }),
    () => Promise.resolve({ path: '/api/admin/login', ...form({ key: KEY }) }),
  ],
  'the secret of a client': [
    () => Promise.resolve({ path: OAUTH, ...form({ grant_type: 'client_credentials', client_secret: 'wrong' }) }),
    () => Promise.resolve({ path: OAUTH, ...form({ grant_type: 'client_credentials', client_secret: KEY }) }),
  ],
  'a refresh token': [
    () => Promise.resolve({ path: OAUTH, ...form({ grant_type: 'refresh_token', refresh_token: 'aegis_rt_wrong' }) }),
    () => Promise.resolve({ path: OAUTH, ...form({ grant_type: 'client_credentials', client_secret: KEY }) }),
  ],
};

beforeAll(async () => {
  [postgres, issuer] = await Promise.all([StoppablePostgres.start(), startUpstream((_req, res) => res.destroy())]);
  const route = (name: string, methods: string[]): object => ({
    name,
    path: `/${name}`,
    respond: { status: 200 },
    auth: { methods },
  });
  gateway = await spawnGateway({
    env: { DATABASE_URL: postgres.url },
    config: {
      gateway: {
        trustedProxies: ['127.0.0.1/32'],
        routes: [
          route('keys', ['api-key']),
          route('tokens', ['jwt']),
          route('passwords', ['basic']),
          route('signed', ['hmac']),
        ],
      },
      auth: {
        jwt: { secrets: [TOKEN_SECRET], jwks: [{ url: issuer.url, cooldown: '1s' }], algorithms: ['HS256', 'ES256'] },
        consumers: [
          {
            name: 'somebody',
            roles: ['viewer'],
            apiKeys: [{ hash: `sha256:${createHash('sha256').update(KEY).digest('hex')}` }],
            basic: [{ hash: await hashPassword(PASSWORD) }],
            hmac: [{ keyId: 'k', secret: SECRET }],
          },
        ],
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await Promise.all([postgres.stop(), issuer.stop()]);
});

describe('guesses at', () => {
  it.each(Object.keys(WAYS))('%s end for the address after too many, and for nobody else', async (way) => {
    const [guess, right] = WAYS[way]!;
    const n = Object.keys(WAYS).indexOf(way) + 1;
    const [bad, good] = [`10.1.0.${n}`, `10.2.0.${n}`];
    expect((await send(bad, await right())).status).toBe(200);
    let guesses = 0;
    let status = 401;
    while ([400, 401].includes(status) && guesses++ < MORE_THAN_ALLOWED) ({ status } = await send(bad, await guess()));
    expect(status).toBe(429);
    expect(guesses).toBe(21);
    expect(await send(bad, await right())).toEqual({ status: 429, code: 'rate_limited' });
    expect((await send(good, await right())).status).toBe(200);
  });
});

describe('guesses that come all at once', () => {
  it.each(Object.keys(WAYS))('at %s are no more than those that come one by one', async (way) => {
    const [guess, right] = WAYS[way]!;
    const from = `10.4.0.${Object.keys(WAYS).indexOf(way) + 1}`;
    let told = 0;
    // Passwords are looked at a few at a time; who gets 503 was told nothing.
    for (let bursts = 1; (await send(from, await right())).status !== 429; bursts++) {
      expect(bursts).toBeLessThan(20);
      const sent = await Promise.all(Array.from({ length: 150 }, async () => await guess()));
      const answers = await Promise.all(sent.map(async (each) => (await send(from, each)).status));
      told += answers.filter((status) => status !== 429 && status !== 503).length;
    }
    expect(told).toBe(20);
  });

  it('let a right one in no more than any other', async () => {
    const key = { 'x-api-key': gateway.adminKey };
    const sent = Array.from({ length: 100 }, (_, i): Sent => {
      return { path: '/api/admin/me', headers: i === 60 ? key : { 'x-api-key': randomBytes(8).toString('hex') } };
    });
    const answers = await Promise.all(sent.map(async (each) => (await send('10.5.0.1', each)).status));
    expect(answers).not.toContain(200);
  });
});

describe('a token to revoke that nobody was given', () => {
  it('is answered like any other, and counts as a guess; what cannot be one of ours does not', async () => {
    const revoke = async (token: string): Promise<number> =>
      (await send('10.1.1.1', { path: '/api/admin/oauth/revoke', ...form({ token }) })).status;
    for (let i = 0; i < 25; i++) expect(await revoke(`eyJ${i}`)).toBe(200);
    for (let i = 0; i < 20; i++) expect(await revoke(`aegis_at_${randomBytes(32).toString('base64url')}`)).toBe(200);
    expect(await revoke(`aegis_at_${randomBytes(32).toString('base64url')}`)).toBe(429);
  });
});

describe('a store that is away is 503 and never 401', () => {
  const AWAY = { status: 503, code: 'store_unavailable' };

  it('the keys of an issuer', async () => {
    const ec = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'unknown' })).toString('base64url');
    const claims = Buffer.from(JSON.stringify({ sub: 'somebody' })).toString('base64url');
    const headers = { authorization: `Bearer ${ec}.${claims}.${Buffer.alloc(64, 1).toString('base64url')}` };
    expect(await send('10.3.0.1', { path: '/tokens', headers })).toEqual(AWAY);
    expect((await send('10.3.0.1', { path: '/tokens', headers: await token(TOKEN_SECRET) })).status).toBe(200);
  });

  it('the database, for whatever is looked up or written there', async () => {
    const headers = (fields: Record<string, string>): Sent => ({ path: '/api/admin/me', headers: fields });
    await postgres.stop();
    const asked: Readonly<Record<string, Sent>> = {
      key: { path: '/keys', headers: { 'x-api-key': 'nobody-knows-whose' } },
      'access token': { path: '/keys', headers: { authorization: `Bearer aegis_at_${'x'.repeat(43)}` } },
      'key of an administrator': headers({ 'x-api-key': 'nobody-knows-whose' }),
      session: headers({ cookie: `aegis_session=aegis_st_${'x'.repeat(43)}` }),
      'sign-in with a good key': { path: '/api/admin/login', ...form({ key: KEY }) },
      'token for a good key': { path: OAUTH, ...form({ grant_type: 'client_credentials', client_secret: KEY }) },
      'refresh token': { path: OAUTH, ...form({ grant_type: 'refresh_token', refresh_token: 'aegis_rt_x' }) },
      revocation: { path: '/api/admin/oauth/revoke', ...form({ token: 'aegis_at_x' }) },
    };
    const answers = await Promise.all(
      Object.entries(asked).map(async ([name, sent]) => [name, await send('10.3.0.2', sent)] as const),
    );
    expect(answers).toEqual(Object.keys(asked).map((name) => [name, AWAY]));
    // What needs no database works all the while.
    expect((await send('10.3.0.2', { path: '/keys', headers: { 'x-api-key': KEY } })).status).toBe(200);
    expect((await send('10.3.0.2', { path: '/passwords', headers: password(PASSWORD) })).status).toBe(200);
    expect((await send('10.3.0.2', { path: '/signed', headers: signature(SECRET) })).status).toBe(200);
    await postgres.startAgain();
  });
});
