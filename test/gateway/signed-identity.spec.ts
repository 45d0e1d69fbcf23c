import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Http2Server, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { Client } from 'pg';
import {
  type RecordingUpstream,
  scratchFolder,
  type SpawnedGateway,
  spawnGateway,
  StoppablePostgres,
  startUpstream,
} from '#testing';
import { Ear, EchoServer } from './websocket/echo.js';

const ISSUER = 'https://gateway.example.com';
const CONSUMERS = ['app', 'second', 'third', 'fourth'];

let postgres: StoppablePostgres;
let http1: RecordingUpstream;
let http2: Http2Server;
let echo: EchoServer;
let gateways: SpawnedGateway[];
let config: object;
let keySets: ReturnType<typeof createRemoteJWKSet>[];

function keyOf(consumer: string): string {
  return `key-of-${consumer}`;
}

/** What an upstream finds out by itself about who is calling. */
async function verified(headers: IncomingHttpHeaders, audience: string, by = 0): Promise<object> {
  const token = headers['x-aegis-identity'];
  if (typeof token !== 'string') return { caller: null };
  const { payload } = await jwtVerify(token, keySets[by]!, { issuer: ISSUER, audience });
  return { caller: payload };
}

beforeAll(async () => {
  postgres = await StoppablePostgres.start();
  echo = new EchoServer();
  http1 = await startUpstream((req, res) => {
    const audience = req.url?.startsWith('/orders') === true ? 'orders' : 'users';
    void verified(req.headers, audience).then(
      (found) => res.end(JSON.stringify(found)),
      (error: unknown) => res.writeHead(401).end(JSON.stringify({ error: String(error) })),
    );
  });
  http2 = createServer();
  http2.on('stream', (stream, headers) => {
    void verified(headers, 'two').then((found) => stream.end(JSON.stringify(found)));
  });
  http2.listen(0, '127.0.0.1');
  await once(http2, 'listening');
  config = {
    gateway: {
      upstreams: [
        { name: 'users', targets: [http1.url] },
        { name: 'two', targets: [`http://127.0.0.1:${(http2.address() as AddressInfo).port}`], http2: true },
        { name: 'sockets', targets: [await echo.listening()] },
      ],
      routes: [
        { path: '/users', upstream: 'users', auth: 'required' },
        { path: '/orders', upstream: 'users', auth: 'required', identity: { audience: 'orders' } },
        { path: '/maybe', upstream: 'users', auth: 'optional' },
        { path: '/without', upstream: 'users', auth: 'required', identity: 'off' },
        { path: '/two', upstream: 'two', auth: 'required' },
        { path: '/sockets', upstream: 'sockets', auth: 'required' },
      ],
    },
    auth: {
      identity: { issuer: ISSUER },
      consumers: CONSUMERS.map((name) => ({
        name,
        roles: ['user', 'ops'],
        plan: 'gold',
        apiKeys: [{ hash: `sha256:${createHash('sha256').update(keyOf(name)).digest('hex')}` }],
      })),
    },
  };
  gateways = await Promise.all([start(), start()]);
  keySets = gateways.map(keySetOf);
}, 90_000);

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  http2.close();
  echo.stop();
  await http1.stop();
  await postgres.stop();
});

/** Nobody waits ten minutes here for a key that is new. */
function keySetOf({ url }: SpawnedGateway): ReturnType<typeof createRemoteJWKSet> {
  return createRemoteJWKSet(new URL(`${url}/_aegis/jwks.json`), { cooldownDuration: 0 });
}

async function start(): Promise<SpawnedGateway> {
  return await spawnGateway({ config, env: { DATABASE_URL: postgres.url } });
}

async function call(path: string, consumer = 'app', by = 0, headers: Record<string, string> = {}): Promise<object> {
  const response = await fetch(gateways[by]!.url + path, { headers: { 'x-api-key': keyOf(consumer), ...headers } });
  const found = (await response.json()) as object;
  if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(found)}`);
  return found;
}

/** What the upstream over HTTP/1.1 was sent last. */
function sent(): string {
  const { 'x-aegis-identity': token } = http1.requests.at(-1)!.headers;
  return token as string;
}

async function published(by = 0): Promise<readonly Record<string, string>[]> {
  const response = await fetch(`${gateways[by]!.url}/_aegis/jwks.json`);
  return ((await response.json()) as { keys: Record<string, string>[] }).keys;
}

async function query(sql: string, parameters: unknown[] = []): Promise<void> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(sql, parameters).finally(() => client.end());
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come to that');
    await delay(100);
  }
}

describe('who calls', () => {
  const app = {
    iss: ISSUER,
    sub: 'app',
    id: 'app',
    roles: ['user', 'ops'],
    scopes: [],
    plan: 'gold',
    method: 'api-key',
  };

  it('is verified by an upstream over HTTP/1.1 and over HTTP/2, for itself', async () => {
    expect(await call('/users')).toMatchObject({ caller: { ...app, aud: 'users' } });
    const { iat = 0, exp = 0 } = decodeJwt(sent());
    expect(exp - iat).toBe(60);
    expect(await call('/two')).toMatchObject({ caller: { ...app, aud: 'two' } });
    expect(await call('/orders')).toMatchObject({ caller: { ...app, aud: 'orders' } });
    await expect(jwtVerify(sent(), keySets[0]!, { audience: 'users' })).rejects.toThrow(
      errors.JWTClaimValidationFailed,
    );
  });

  it('is verified by an upstream that takes a WebSocket', async () => {
    const ear = await Ear.open(`${gateways[0]!.url}/sockets`, { headers: { 'x-api-key': keyOf('app') } });
    expect(await verified(echo.requests.at(-1)!.headers, 'sockets')).toMatchObject({
      caller: { ...app, aud: 'sockets' },
    });
    ear.socket.terminate();
  });

  it('is signed once for many requests, and again for whoever is another', async () => {
    const tokens: string[] = [];
    for (const consumer of ['app', 'app', 'second', 'app']) {
      await call('/users', consumer);
      tokens.push(sent());
    }
    expect(new Set(tokens).size).toBe(2);
    expect(tokens[0]).toBe(tokens[3]);
    expect(decodeJwt(tokens[2]!).sub).toBe('second');
  });

  it('is never what a client says of itself', async () => {
    const forged = { 'x-aegis-identity': sent() };
    expect(await call('/users', 'third', 0, forged)).toMatchObject({ caller: { sub: 'third' } });
    const anonymous = await fetch(`${gateways[0]!.url}/maybe`, { headers: forged });
    expect([anonymous.status, await anonymous.json()]).toEqual([200, { caller: null }]);
    expect(await call('/without', 'app', 0, forged)).toEqual({ caller: null });
    const twin = await fetch(`${gateways[0]!.url}/maybe`, { headers: { x_aegis_identity: sent() } });
    expect(twin.status).toBe(400);
  });

  it('is verified with the keys that any instance publishes, without a credential', async () => {
    for (const [by, other] of [
      [0, 1],
      [1, 0],
    ] as const) {
      await call('/users', 'app', by);
      expect(await verified({ 'x-aegis-identity': sent() }, 'users', other)).toMatchObject({ caller: app });
    }
    const response = await fetch(`${gateways[0]!.url}/_aegis/jwks.json`);
    expect(response.headers.get('content-type')).toMatch(/^application\/jwk-set\+json/);
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    const [key] = await published(1);
    expect(Object.keys(key!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });
});

describe('the keys', () => {
  it('outlive a restart and the database', async () => {
    const before = await published();
    await call('/users');
    const token = sent();
    await gateways[1]!.stop();
    gateways[1] = await start();
    keySets[1] = keySetOf(gateways[1]);
    expect(await published(1)).toEqual(before);
    expect(await verified({ 'x-aegis-identity': token }, 'users', 1)).toMatchObject({ caller: { sub: 'app' } });
    await postgres.stop();
    expect(await call('/users', 'fourth', 1)).toMatchObject({ caller: { sub: 'fourth' } });
    expect(await published(1)).toEqual(before);
    await postgres.startAgain();
  }, 60_000);

  it('are known to an instance that starts while the database is away, if there is a secret to keep them by', async () => {
    const folders = [scratchFolder('kept'), scratchFolder('not-kept')] as const;
    const at = async (folder: string, secret: string): Promise<SpawnedGateway> => {
      const env = { DATABASE_URL: postgres.url, AEGIS_SECRET_KEY: secret };
      return await spawnGateway({ config, env, args: ['--data-dir', folder] });
    };
    const ask = async ({ url }: SpawnedGateway): Promise<number> => {
      const response = await fetch(`${url}/users`, { headers: { 'x-api-key': keyOf('app') } });
      await response.arrayBuffer();
      return response.status;
    };
    const before = [await at(folders[0], 'the secret of this test'), await at(folders[1], '')] as const;
    expect(await Promise.all(before.map(ask))).toEqual([200, 200]);
    const kept = join(folders[0], 'config', 'identity-keys');
    // What is kept is written beside the requests; without entities none of them would start alone.
    const files = [kept, ...folders.map((folder) => join(folder, 'config', 'entities.json'))];
    while (!files.every((each) => existsSync(each))) await delay(20);
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    expect(readFileSync(kept, 'utf8')).toMatch(/^aes-gcm:/);
    expect(existsSync(join(folders[1], 'config', 'identity-keys'))).toBe(false);
    await Promise.all(before.map(async (each) => await each.stop()));
    await postgres.stop();
    const after = [await at(folders[0], 'the secret of this test'), await at(folders[1], '')] as const;
    try {
      expect(await Promise.all(after.map(ask))).toEqual([200, 503]);
      const token = sent();
      // Others verify it by the keys that they have.
      expect(await verified({ 'x-aegis-identity': token }, 'users', 1)).toMatchObject({ caller: { sub: 'app' } });
      await postgres.startAgain();
      const deadline = Date.now() + 20_000;
      while ((await ask(after[1])) !== 200 && Date.now() < deadline) await delay(100);
      expect(await Promise.all(after.map(ask))).toEqual([200, 200]);
    } finally {
      await Promise.all(after.map(async (each) => await each.stop()));
    }
  }, 90_000);

  it('change without a token that cannot be verified', async () => {
    await call('/users');
    const token = sent();
    const { kid: old } = decodeProtectedHeader(token);
    await query(
      `UPDATE identity_keys SET created_at = created_at - interval '40 days', starts_at = starts_at - interval '40 days'`,
    );
    await until(async () => (await published(0)).length === 2 && (await published(1)).length === 2);
    const next = (await published()).find(({ kid }) => kid !== old)!['kid'];
    await call('/users', 'second', 1);
    expect(decodeProtectedHeader(sent()).kid).toBe(old);
    await query('UPDATE identity_keys SET starts_at = now() WHERE kid = $1', [next]);
    let turn = 0;
    await until(async () => {
      // Somebody whom nothing was signed for yet.
      await query(
        `WITH o AS (INSERT INTO consumers (id, name, roles) VALUES (gen_random_uuid(), $1, '{}') RETURNING id)
         INSERT INTO credentials (id, consumer_id, kind, name, prefix, hash)
         SELECT gen_random_uuid(), o.id, 'api-key', 'test', 'test', decode($2, 'hex') FROM o`,
        [
          `new-${++turn}`,
          createHash('sha256')
            .update(keyOf(`new-${turn}`))
            .digest('hex'),
        ],
      );
      await call('/users', `new-${turn}`);
      return decodeProtectedHeader(sent()).kid === next;
    });
    expect(await verified({ 'x-aegis-identity': sent() }, 'users', 1)).toMatchObject({ caller: { aud: 'users' } });
    expect(await verified({ 'x-aegis-identity': token }, 'users', 1)).toMatchObject({ caller: { sub: 'app' } });
    await query(`UPDATE identity_keys SET starts_at = now() - interval '2 days' WHERE kid = $1`, [next]);
    await until(async () => (await published(0)).length === 1 && (await published(1)).length === 1);
    expect((await published())[0]!['kid']).toBe(next);
  }, 90_000);

  it('can be one’s own, and be switched on while requests flow', async () => {
    const folder = scratchFolder('identity');
    const pems = ['first', 'second'].map((name) => {
      const file = join(folder, `${name}.pem`);
      const { privateKey } = generateKeyPairSync('ed25519');
      writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
      return { file };
    });
    const { configFile } = gateways[1]!;
    const before = readFileSync(configFile, 'utf8');
    const changed = JSON.parse(before) as { auth: { identity: object } };
    changed.auth.identity = { issuer: ISSUER, keys: pems };
    writeFileSync(configFile, JSON.stringify(changed));
    await until(async () => (await published(1)).length === 3);
    const [first, second] = await published(1);
    expect([first!['alg'], second!['alg']]).toEqual(['EdDSA', 'EdDSA']);
    await call('/users', 'app', 1).catch(() => undefined);
    expect(decodeProtectedHeader(sent())).toEqual({ alg: 'EdDSA', kid: first!['kid'], typ: 'JWT' });
    expect((await jwtVerify(sent(), keySetOf(gateways[1]!), { issuer: ISSUER })).payload.sub).toBe('app');
    writeFileSync(configFile, before);
    await until(async () => {
      await call('/users', 'app', 1).catch(() => undefined);
      return decodeProtectedHeader(sent()).alg === 'ES256';
    });
  }, 60_000);
});
