import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { Client } from 'pg';
import { type SpawnedGateway, spawnGateway, StoppablePostgres, within } from '#testing';

const SECRET = randomBytes(48).toString('hex');

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function token(roles: readonly string[], sub = 'alice'): Promise<string> {
  return await new SignJWT({ sub, roles })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(Buffer.from(SECRET));
}

async function query(url: string, sql: string, parameters: unknown[] = []): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql, parameters).finally(() => client.end());
}

async function storeKey(url: string, key: string, roles: readonly string[]): Promise<void> {
  await query(
    url,
    `WITH o AS (INSERT INTO consumers (id, name, roles) VALUES (gen_random_uuid(), $1, $2) RETURNING id)
     INSERT INTO credentials (id, consumer_id, kind, name, prefix, hash)
     SELECT gen_random_uuid(), o.id, 'api-key', 'test', 'test', decode($3, 'hex') FROM o`,
    [`owner-of-${key}`, roles, sha256(key)],
  );
}

describe('the admin API', () => {
  let postgres: StoppablePostgres;
  let gateway: SpawnedGateway;

  const ask = async (headers: Record<string, string>, path = '/_aegis/status', method = 'GET'): Promise<Response> =>
    await fetch(gateway.url + path, { method, headers });
  const statusOf = async (...args: Parameters<typeof ask>): Promise<number> => (await ask(...args)).status;

  beforeAll(async () => {
    postgres = await StoppablePostgres.start();
    gateway = await spawnGateway({
      env: { DATABASE_URL: postgres.url, AEGIS_ADMIN_KEY: 'a.key.with-two-dots' },
      config: {
        gateway: {
          trustedProxies: ['127.0.0.1/32'],
          routes: [{ name: 'keys', path: '/keys', respond: { status: 200 }, auth: { methods: ['jwt'] } }],
        },
        auth: {
          apiKeys: 'off',
          jwt: { secrets: [SECRET] },
          rbac: { roles: { watcher: { permissions: ['read:status'] }, nobody: { permissions: [] } } },
          consumers: [{ name: 'alice', roles: ['watcher'] }],
        },
      },
    });
    await storeKey(postgres.url, 'stored-viewer', ['viewer']);
    await storeKey(postgres.url, 'stored-nobody', ['nobody']);
    await storeKey(postgres.url, 'stored-revoked', ['admin']);
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
    await postgres.stop();
  });

  it('ends what was given for the key of the environment when another takes its place', async () => {
    const start = async (key: string): Promise<SpawnedGateway> =>
      await spawnGateway({
        env: { DATABASE_URL: postgres.url, AEGIS_ADMIN_KEY: key },
        config: { gateway: { routes: [] } },
      });
    const given = async ({ url }: SpawnedGateway): Promise<Record<string, string>[]> => {
      const login = await fetch(`${url}/api/admin/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ key: 'the-key-that-was-before' }),
      });
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_secret: 'the-key-that-was-before' });
      const granted = await fetch(`${url}/api/admin/oauth/token`, { method: 'POST', body });
      const { access_token: token } = (await granted.json()) as { access_token: string };
      return [{ cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '' }, { authorization: `Bearer ${token}` }];
    };
    const statuses = async ({ url }: SpawnedGateway, all: readonly Record<string, string>[]): Promise<number[]> =>
      await Promise.all(all.map(async (headers) => (await fetch(`${url}/api/admin/me`, { headers })).status));
    const before = await start('the-key-that-was-before');
    const credentials = await given(before);
    const meanwhile = await statuses(before, credentials);
    await before.stop();
    const after = await start('the-key-that-came-after');
    const then = await statuses(after, credentials);
    await after.stop();
    expect([meanwhile, then]).toEqual([
      [200, 200],
      [401, 401],
    ]);
  });

  it('takes keys, also where routes do not, and the key of the environment, in either field', async () => {
    const statuses = await Promise.all(
      ['stored-viewer', 'a.key.with-two-dots'].flatMap((key) => [
        statusOf({ 'x-api-key': key }),
        statusOf({ authorization: `Bearer ${key}` }),
      ]),
    );
    expect(statuses).toEqual([200, 200, 200, 200]);
  });

  it('takes tokens, with the roles that they and the configuration give', async () => {
    const own = `Bearer ${await token([])}`;
    const admin = `Bearer ${await token(['admin'], 'bob')}`;
    const neither = `Bearer ${await token(['nobody'], 'carol')}`;
    expect([
      await statusOf({ authorization: own }),
      await statusOf({ authorization: own }, '/_aegis/routes'),
      await statusOf({ authorization: admin }, '/_aegis/reload', 'POST'),
      await statusOf({ authorization: neither }),
    ]).toEqual([200, 403, 200, 403]);
  });

  it('says which permission is missing, and nothing of what exists', async () => {
    const answer = await ask({ 'x-api-key': 'stored-viewer' }, '/_aegis/reload', 'POST');
    expect(await answer.json()).toMatchObject({ code: 'forbidden', detail: 'Missing permission: "write:config".' });
  });

  it('asks for a credential in every way that it takes', async () => {
    const answer = await ask({});
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      401,
      'ApiKey realm="aegis", header="x-api-key", Bearer realm="aegis", Cookie realm="aegis"',
    ]);
  });

  it('takes no key from the query', async () => {
    expect(await statusOf({}, '/_aegis/status?api_key=stored-viewer&x-api-key=stored-viewer')).toBe(401);
  });

  it('refuses a revoked key within two seconds', async () => {
    expect(await statusOf({ 'x-api-key': 'stored-revoked' })).toBe(200);
    await query(postgres.url, `UPDATE credentials SET revoked_at = now() WHERE hash = decode($1, 'hex')`, [
      sha256('stored-revoked'),
    ]);
    let status = 200;
    await within(2_500, async () => (status = await statusOf({ 'x-api-key': 'stored-revoked' })) !== 200);
    expect(status).toBe(401);
  });

  it('looks at no more credentials from an address after twenty wrong ones, also right ones', async () => {
    const from = { 'x-forwarded-for': '192.0.2.7' };
    const wrong: number[] = [];
    for (let i = 0; i < 20; i++) {
      const guess: Record<string, string> =
        i % 2 === 0 ? { 'x-api-key': `guess-${i}` } : { authorization: `Bearer a.guess.${i}` };
      wrong.push(await statusOf({ ...from, ...guess }));
    }
    const right = await ask({ ...from, 'x-api-key': 'a.key.with-two-dots' });
    expect(wrong).toEqual(wrong.map(() => 401));
    expect([right.status, Number(right.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect(await statusOf({ 'x-api-key': 'a.key.with-two-dots' })).toBe(200);
  });

  it('tells nobody that a key is wrong while the database cannot be asked', async () => {
    expect(await statusOf({ 'x-api-key': 'stored-viewer' })).toBe(200);
    await postgres.stop();
    try {
      const unknown = await ask({ 'x-api-key': 'never-seen-before' });
      expect([unknown.status, await unknown.json()]).toMatchObject([503, { code: 'store_unavailable' }]);
      expect(await statusOf({ 'x-api-key': 'stored-viewer' })).toBe(200);
      expect(await statusOf({ 'x-api-key': 'a.key.with-two-dots' })).toBe(200);
    } finally {
      await postgres.startAgain();
    }
  });

  it('refuses two Authorization fields', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(gateway.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
      socket.write(
        'GET /_aegis/status HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer guess\r\nAuthorization: Bearer a.key.with-two-dots\r\n\r\n',
      );
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});
