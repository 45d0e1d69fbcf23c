import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Client } from 'pg';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { hashPassword } from '#auth';
import { type RecordingUpstream, type SpawnedGateway, spawnGateway, StoppablePostgres, startUpstream } from '#testing';

const SECRET = randomBytes(48).toString('hex');
const DECLARED = 'declared-key-of-mobile-app';
const PASSWORD = 'pass:wörd of mobile';
const HOUR = 3600;

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

let upstream: RecordingUpstream;
let issuer: RecordingUpstream;
let postgres: StoppablePostgres;
let gateway: SpawnedGateway;
let rsa: KeyPair;
let ed: KeyPair;
let ec: KeyPair;

/** What the issuer publishes now; a text is sent as it is, null is a 500. */
let published: string | null = '';

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function query(sql: string, parameters: unknown[] = []): Promise<void> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(sql, parameters).finally(() => client.end());
}

/** A key in the database, of a consumer of its own. */
async function storeKey(consumer: string, key: string, expires: string | null = null): Promise<void> {
  await query(
    `WITH o AS (INSERT INTO consumers (id, name, roles, plan) VALUES (gen_random_uuid(), $1, '{user}', 'gold') RETURNING id)
     INSERT INTO credentials (id, consumer_id, kind, name, prefix, hash, scopes, expires_at)
     SELECT gen_random_uuid(), o.id, 'api-key', 'test', 'test', decode($2, 'hex'), '{orders}', now() + $3::interval FROM o`,
    [consumer, sha256(key), expires],
  );
}

async function publish(...keys: readonly (readonly [kid: string, pair: KeyPair])[]): Promise<void> {
  const jwks = await Promise.all(
    keys.map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid, use: 'sig' })),
  );
  published = JSON.stringify({ keys: jwks });
}

interface TokenParts {
  readonly alg?: string;
  readonly kid?: string;
  readonly claims?: JWTPayload;
  readonly key?: KeyPair['privateKey'] | Uint8Array;
}

async function token({ alg = 'HS256', kid, claims = {}, key = Buffer.from(SECRET) }: TokenParts = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return await new SignJWT({ sub: 'alice', iss: 'test', aud: 'api', exp: now + HOUR, ...claims })
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .sign(key);
}

async function call(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  return await fetch(gateway.url + path, { method, headers });
}

async function code(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code;
}

function bearer(text: string): Record<string, string> {
  return { authorization: `Bearer ${text}` };
}

beforeAll(async () => {
  upstream = await startUpstream();
  issuer = await startUpstream((_req, res) => {
    if (published === null) res.statusCode = 500;
    res.end(published ?? '');
  });
  postgres = await StoppablePostgres.start();
  rsa = await generateKeyPair('RS256');
  ec = await generateKeyPair('ES256');
  await publish(['first', rsa]);
  ed = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  gateway = await spawnGateway({
    env: { DATABASE_URL: postgres.url },
    config: {
      gateway: {
        upstreams: [{ name: 'main', targets: [upstream.url] }],
        routes: [
          { name: 'open', path: '/open', upstream: 'main' },
          { name: 'any', path: '/any', upstream: 'main', auth: 'required' },
          { name: 'moved', path: '/moved', redirect: { host: 'elsewhere.example' }, auth: 'required' },
          { name: 'maybe', path: '/maybe', upstream: 'main', auth: 'optional' },
          { name: 'keys', path: '/keys', upstream: 'main', auth: { methods: ['api-key'] } },
          { name: 'tokens', path: '/tokens', upstream: 'main', auth: { methods: ['jwt'] } },
          { name: 'passwords', path: '/passwords', upstream: 'main', auth: { methods: ['basic', 'jwt'] } },
          { name: 'admins', path: '/admins', upstream: 'main', auth: { roles: ['admin'] } },
          { name: 'writers', path: '/writers', upstream: 'main', auth: { permissions: ['write:orders'] } },
          { name: 'scoped', path: '/scoped', upstream: 'main', auth: { scopes: ['orders'] } },
          { name: 'ruled', path: '/ruled', upstream: 'main' },
        ],
      },
      auth: {
        apiKeys: { headers: ['x-api-key'], query: 'apiKey' },
        jwt: {
          secrets: [SECRET],
          publicKeys: [await exportSPKI(ed.publicKey)],
          jwks: [{ url: issuer.url, cache: '10m', cooldown: '2s' }],
          issuer: 'test',
          audience: 'api',
        },
        consumers: [
          {
            name: 'mobile-app',
            roles: ['user'],
            plan: 'gold',
            apiKeys: [{ hash: `sha256:${sha256(DECLARED)}` }],
            basic: [{ username: 'mobile', hash: await hashPassword(PASSWORD) }],
          },
        ],
        rbac: {
          roles: { user: { permissions: ['read:*'] }, clerk: { permissions: ['write:orders'], inherits: ['user'] } },
          rules: [
            { path: '/ruled/*', methods: ['GET'], roles: ['user'] },
            { path: '/ruled/*', methods: ['POST'], permissions: ['write:orders'] },
          ],
        },
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await issuer.stop();
  await postgres.stop();
});

describe('a route that needs a credential', () => {
  it('asks for one with every method that works there', async () => {
    const response = await call('/any');
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      'ApiKey realm="aegis", header="x-api-key", Bearer realm="aegis"',
    );
    expect(await response.json()).toMatchObject({
      code: 'authentication_required',
      detail: expect.stringContaining('Taken here: an API key in x-api-key, a Bearer token.'),
    });
  });
});

describe('API keys', () => {
  it('opens with a declared key, tells the upstream whose it is, and keeps the key', async () => {
    const response = await call('/keys?apiKey=other&x=1', {
      'x-api-key': DECLARED,
      'X-Consumer-Name': 'forged',
      'X-Consumer-Roles': 'admin',
    });
    expect(response.status).toBe(200);
    const { headers, url } = upstream.requests.at(-1)!;
    expect(headers).toMatchObject({
      'x-consumer-name': 'mobile-app',
      'x-consumer-id': 'mobile-app',
      'x-consumer-roles': 'user',
    });
    expect(headers).not.toHaveProperty('x-api-key');
    expect(url).toBe('/keys?x=1');
  });

  it('opens with a key in the query', async () => {
    expect((await call(`/keys?apiKey=${DECLARED}`)).status).toBe(200);
    expect(upstream.requests.at(-1)!.url).toBe('/keys');
    const moved = await fetch(`${gateway.url}/moved?a=1&apiKey=${DECLARED}&b=2`, { redirect: 'manual' });
    expect(moved.headers.get('location')).toMatch(/^http:\/\/elsewhere\.example(:\d+)?\/moved\?a=1&b=2$/);
    const twice = await call(`/keys?apiKey=${DECLARED}&api%4Bey=${DECLARED}`);
    expect([twice.status, await code(twice)]).toEqual([401, 'invalid_credentials']);
  });

  it('opens with a key of the database until it is revoked, for 2 s at most after that', async () => {
    await storeKey('stored', 'stored-key');
    expect((await call('/keys', { 'x-api-key': 'stored-key' })).status).toBe(200);
    const { headers } = upstream.requests.at(-1)!;
    expect(headers['x-consumer-name']).toBe('stored');
    expect(headers['x-consumer-id']).toMatch(/^[0-9a-f-]{36}$/);
    await query(`UPDATE credentials SET revoked_at = now() WHERE hash = decode($1, 'hex')`, [sha256('stored-key')]);
    const revokedAt = performance.now();
    // When it was asked, not when we came to read the answer.
    let [lastGood, askedAt] = [revokedAt, revokedAt];
    while ((await call('/keys', { 'x-api-key': 'stored-key' })).status === 200) {
      lastGood = askedAt;
      askedAt = performance.now();
    }
    expect(lastGood - revokedAt).toBeLessThan(3_000);
  });

  it('refuses a key that has expired', async () => {
    await storeKey('expired', 'expired-key', '-1 second');
    expect(await code(await call('/keys', { 'x-api-key': 'expired-key' }))).toBe('invalid_credentials');
  });
});

describe('tokens', () => {
  it('opens with a shared secret, a fixed public key and a key of the issuer', async () => {
    for (const parts of [
      {},
      { alg: 'EdDSA', key: ed.privateKey },
      { alg: 'RS256', kid: 'first', key: rsa.privateKey },
    ]) {
      const text = await token(parts);
      for (let again = 0; again < 2; again++) expect((await call('/tokens', bearer(text))).status).toBe(200);
    }
    expect(upstream.requests.at(-1)!.headers).toMatchObject({ 'x-consumer-name': 'alice', 'x-consumer-id': 'alice' });
  });

  it('follows the issuer to new keys at once, and keeps good ones when the issuer publishes rubbish', async () => {
    const next = await generateKeyPair('RS256');
    await publish(['first', rsa], ['second', next]);
    const withFirst = { alg: 'RS256', kid: 'first', key: rsa.privateKey };
    const withSecond = { alg: 'RS256', kid: 'second', key: next.privateKey };
    expect((await call('/tokens', bearer(await token(withSecond)))).status).toBe(200);

    for (const broken of [null, '', '{"keys":[]}', '<html>', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}']) {
      published = broken;
      // Worth a fetch when the cool-down is over; within it, nothing is fetched. Neither loses a key.
      await call('/maybe', bearer(await token({ alg: 'ES256', kid: `unknown ${String(broken)}`, key: ec.privateKey })));
      expect(
        (await call('/tokens', bearer(await token({ ...withFirst, claims: { jti: String(broken) } })))).status,
      ).toBe(200);
      expect(
        (await call('/tokens', bearer(await token({ ...withSecond, claims: { jti: String(broken) } })))).status,
      ).toBe(200);
    }
  });

  it('says in the challenge that the token was not good', async () => {
    const response = await call('/tokens', bearer(await token({ claims: { aud: 'other' } })));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="aegis", error="invalid_token"');
    expect(await code(response)).toBe('invalid_credentials');
  });

  it('refuses one that is signed by nobody it knows, that has expired, or that is for others', async () => {
    const other = await generateKeyPair('ES256');
    const now = Math.floor(Date.now() / 1000);
    for (const parts of [
      { key: Buffer.from(SECRET.toUpperCase()) },
      { alg: 'ES256', key: other.privateKey },
      { claims: { exp: now - 60 } },
      { claims: { nbf: now + 60 } },
      { claims: { iss: 'other' } },
    ]) {
      expect((await call('/tokens', bearer(await token(parts)))).status).toBe(401);
    }
  });

  it('refuses several Authorization fields', async () => {
    const socket = connect(gateway.port, '127.0.0.1');
    const authorization = `Authorization: Bearer ${await token()}`;
    socket.end(`GET /tokens HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${authorization}\r\n${authorization}\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('passwords', () => {
  function password(user: string, secret: string): Record<string, string> {
    return { authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` };
  }

  it('open to who knows one, and the upstream is told who it is but not the password', async () => {
    expect((await call('/passwords', password('mobile', PASSWORD))).status).toBe(200);
    const { headers } = upstream.requests.at(-1)!;
    expect(headers).toMatchObject({ 'x-consumer-name': 'mobile-app', 'x-consumer-roles': 'user' });
    expect(headers).not.toHaveProperty('authorization');
  });

  it('leave tokens on the same route to the upstream', async () => {
    expect((await call('/passwords', bearer(await token()))).status).toBe(200);
    expect(upstream.requests.at(-1)!.headers).toHaveProperty('authorization');
  });

  it('are refused when they are wrong or of nobody, with the way to ask for one', async () => {
    for (const wrong of [password('mobile', 'wrong'), password('nobody', PASSWORD), password('mobile-app', PASSWORD)]) {
      const response = await call('/passwords', wrong);
      expect([response.status, await code(response)]).toEqual([401, 'invalid_credentials']);
      expect(response.headers.get('www-authenticate')).toContain('Basic realm="aegis", charset="UTF-8"');
    }
  });
});

describe('optional authentication', () => {
  it('lets in who has no credential, knows who has a good one, and refuses a wrong one', async () => {
    expect((await call('/maybe', { 'X-Consumer-Name': 'forged' })).status).toBe(200);
    expect(upstream.requests.at(-1)!.headers).not.toHaveProperty('x-consumer-name');
    expect((await call('/maybe', { 'x-api-key': DECLARED })).status).toBe(200);
    expect(upstream.requests.at(-1)!.headers['x-consumer-name']).toBe('mobile-app');
    expect((await call('/maybe', { 'x-api-key': 'wrong' })).status).toBe(401);
  });

  it('leaves credentials of a route without authentication to the upstream', async () => {
    expect((await call('/open', { 'x-api-key': 'of the upstream' })).status).toBe(200);
    const { headers } = upstream.requests.at(-1)!;
    expect(headers['x-api-key']).toBe('of the upstream');
    expect(headers).not.toHaveProperty('x-consumer-name');
  });
});

describe('access', () => {
  async function refusal(path: string, claims: JWTPayload, method = 'GET'): Promise<unknown> {
    const response = await call(path, bearer(await token({ claims })), method);
    if (response.status === 200) return 200;
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    return [response.status, code, detail];
  }

  it('is given to roles, their heirs, permissions and scopes, and the refusal says what is missing', async () => {
    expect(await refusal('/admins', { roles: ['user'] })).toEqual([403, 'forbidden', 'The role "admin" is missing.']);
    expect(await refusal('/admins', { roles: ['admin'] })).toBe(200);
    expect(await refusal('/writers', { roles: ['user'] })).toEqual([
      403,
      'forbidden',
      'Missing permission: "write:orders".',
    ]);
    expect(await refusal('/writers', { roles: ['clerk'] })).toBe(200);
    expect(await refusal('/scoped', { scope: 'read orders' })).toBe(200);
    expect(await refusal('/scoped', {})).toEqual([403, 'forbidden', 'Missing scope: "orders".']);
  });

  it('is ruled by path and method, closed to methods that no rule names, and known callers only', async () => {
    expect((await call('/ruled/x')).status).toBe(401);
    expect(await refusal('/ruled', { roles: ['clerk'] })).toBe(200);
    expect(await refusal('/ruled/x', { roles: ['guest'] })).toEqual([403, 'forbidden', 'The role "user" is missing.']);
    expect(await refusal('/ruled/x', { roles: ['clerk'] }, 'POST')).toBe(200);
    expect(await refusal('/ruled/x', { roles: ['admin'] }, 'DELETE')).toEqual([
      403,
      'forbidden',
      'No rule lets this method in here.',
    ]);
  });
});

describe('a database that is away', () => {
  it('is 503 for keys that nobody knows, and no end for those that were good', async () => {
    await storeKey('steady', 'steady-key');
    expect((await call('/keys', { 'x-api-key': 'steady-key' })).status).toBe(200);
    await postgres.stop();
    const unknown = await call('/keys', { 'x-api-key': 'never-seen' });
    expect([unknown.status, await code(unknown)]).toEqual([503, 'store_unavailable']);
    expect((await call('/keys', { 'x-api-key': 'steady-key' })).status).toBe(200);
    expect((await call('/keys', { 'x-api-key': DECLARED })).status).toBe(200);
    await postgres.startAgain();
    while ((await call('/keys', { 'x-api-key': 'never-seen' })).status === 503);
    expect((await call('/keys', { 'x-api-key': 'steady-key' })).status).toBe(200);
  });
});

describe('guesses', () => {
  it('end for the address after too many, also for those in the query', async () => {
    let last = 401;
    for (let guess = 0; last === 401 && guess < 50; guess++) {
      last = (await call('/keys', { 'x-api-key': `guess ${guess}` })).status;
    }
    expect(last).toBe(429);
    expect((await call(`/keys?apiKey=${DECLARED}`)).status).toBe(429);
    expect((await call('/open')).status).toBe(200);
  });
});

describe('credentials', () => {
  it('are not in the log, wherever they were sent', async () => {
    await gateway.stop();
    const log = [...gateway.stdout, ...gateway.stderr].join('\n');
    expect(log).toContain('/keys');
    for (const secret of [DECLARED, SECRET, PASSWORD, 'stored-key', 'steady-key', 'eyJ'])
      expect(log).not.toContain(secret);
  });
});
