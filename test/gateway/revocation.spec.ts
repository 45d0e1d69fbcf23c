import { createHash, createHmac, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashPassword } from '#auth';
import { type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase, within } from '#testing';

const OWN_KEY = 'key-that-came-with-the-consumer';
const PASSWORD = 'pass of the caller';
const SECRET = randomBytes(32).toString('hex');
const WITHIN_MS = 2000;

let database: TestDatabase;
let here: SpawnedGateway;
let there: SpawnedGateway;

async function ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${here.url}/api/admin/${path}`, {
    method,
    headers: { 'x-api-key': here.adminKey, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  expect(answer.ok ? '' : text).toBe('');
  return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
}

/** What opens something at the other instance, and what ends that. */
interface Credential {
  readonly status: () => Promise<number>;
  readonly revoke: () => Promise<unknown>;
}

let asked = 0;

/** Each from an address of its own, so that they do not count as guesses of one. */
async function at(path: string, headers: Record<string, string>): Promise<number> {
  asked++;
  const from = `10.0.${Math.floor(asked / 250)}.${(asked % 250) + 1}`;
  const answer = await fetch(there.url + path, { headers: { ...headers, 'x-forwarded-for': from } });
  await answer.arrayBuffer();
  return answer.status;
}

/** A new signature each time, as they are good once. */
async function signed(): Promise<number> {
  const nonce = randomBytes(8).toString('hex');
  const input = `("@method" "@path");created=${Math.floor(Date.now() / 1000)};keyid="of-the-caller";nonce="${nonce}"`;
  const base = `"@method": GET\n"@path": /signed\n"@signature-params": ${input}`;
  const signature = createHmac('sha256', SECRET).update(base).digest('base64');
  return await at('/signed', { 'signature-input': `s=${input}`, signature: `s=:${signature}:` });
}

async function key(): Promise<{ id: string; key: string }> {
  return (await ask('POST', 'consumers/caller/keys', {})) as { id: string; key: string };
}

async function accessToken(): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_secret: (await key()).key });
  const answer = await fetch(`${here.url}/api/admin/oauth/token`, { method: 'POST', body });
  return ((await answer.json()) as { access_token: string }).access_token;
}

async function session(secret: string): Promise<string> {
  const answer = await fetch(`${here.url}/api/admin/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: secret }),
  });
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

const KINDS: Readonly<Record<string, () => Promise<Credential>>> = {
  'a key': async () => {
    const made = await key();
    return {
      status: () => at('/keys', { 'x-api-key': made.key }),
      revoke: () => ask('DELETE', `consumers/caller/keys/${made.id}`),
    };
  },
  'a key that came with the consumer': () =>
    Promise.resolve({
      status: () => at('/keys', { 'x-api-key': OWN_KEY }),
      revoke: () => ask('PATCH', 'consumers/caller', { apiKeys: [] }),
    }),
  'a password': () =>
    Promise.resolve({
      status: () =>
        at('/passwords', { authorization: `Basic ${Buffer.from(`caller:${PASSWORD}`).toString('base64')}` }),
      revoke: () => ask('PATCH', 'consumers/caller', { basic: [] }),
    }),
  'a key for signatures': () =>
    Promise.resolve({ status: signed, revoke: () => ask('PATCH', 'consumers/caller', { hmac: [] }) }),
  'an access token': async () => {
    const token = await accessToken();
    return {
      status: () => at('/keys', { authorization: `Bearer ${token}` }),
      revoke: () =>
        fetch(`${here.url}/api/admin/oauth/revoke`, { method: 'POST', body: new URLSearchParams({ token }) }),
    };
  },
  'a session': async () => {
    const cookie = await session((await key()).key);
    return {
      status: () => at('/api/admin/me', { cookie }),
      revoke: () => fetch(`${here.url}/api/admin/logout`, { method: 'POST', headers: { cookie, origin: here.url } }),
    };
  },
  'a session by a key that came with the consumer': async () => {
    const cookie = await session(OWN_KEY);
    return {
      status: () => at('/api/admin/me', { cookie }),
      revoke: () => ask('PATCH', 'consumers/caller', { apiKeys: [] }),
    };
  },
};

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  const route = (name: string, methods: string[]): object => ({
    name,
    path: `/${name}`,
    respond: { status: 200 },
    auth: { methods, roles: ['caller'] },
  });
  const config = {
    gateway: {
      trustedProxies: ['127.0.0.1/32'],
      routes: [route('keys', ['api-key']), route('passwords', ['basic']), route('signed', ['hmac'])],
    },
    auth: { rbac: { roles: { caller: { permissions: [] } } } },
  };
  const env = { DATABASE_URL: database.url };
  [here, there] = await Promise.all([spawnGateway({ config, env }), spawnGateway({ config, env })]);
}, 60_000);

afterAll(async () => {
  await Promise.all([here.stop(), there.stop()]);
  await database.drop();
});

async function makeCaller(): Promise<void> {
  await ask('PUT', 'consumers/caller', {
    roles: ['caller'],
    apiKeys: [{ hash: `sha256:${createHash('sha256').update(OWN_KEY).digest('hex')}` }],
    basic: [{ hash: await hashPassword(PASSWORD) }],
    hmac: [{ keyId: 'of-the-caller', secret: SECRET }],
  });
}

async function becomes(status: number, { status: now }: Credential): Promise<void> {
  await within(WITHIN_MS, async () => {
    if ((await now()) === status) return true;
    await delay(20);
    return false;
  });
  expect(await now()).toBe(status);
}

describe('what was made through one instance', () => {
  it.each(Object.keys(KINDS))('works at the other, and ends there when it is revoked here: %s', async (kind) => {
    await makeCaller();
    const credential = await KINDS[kind]!();
    await becomes(200, credential);
    await credential.revoke();
    await becomes(401, credential);
  });

  it('is worth as much as the roles that its consumer has by now', async () => {
    await makeCaller();
    const credential = await KINDS['an access token']!();
    await becomes(200, credential);
    await ask('PATCH', 'consumers/caller', { roles: [] });
    await becomes(403, credential);
  });

  it('ends with its consumer, all of it', async () => {
    await makeCaller();
    const all = await Promise.all(Object.values(KINDS).map(async (make) => await make()));
    for (const each of all) await becomes(200, each);
    await ask('DELETE', 'consumers/caller');
    for (const each of all) await becomes(401, each);
  });
});
