import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase, within } from '#testing';

const WITHIN_MS = 2000;

interface Shown {
  readonly id: string;
  readonly kind: string;
  readonly consumer: string;
  readonly user: string | null;
  readonly by: string;
  readonly roles: readonly string[] | null;
  readonly since: string;
  readonly expiresAt: string;
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

let database: TestDatabase;
let here: SpawnedGateway;
let there: SpawnedGateway;

/** Each asks from an address of its own: what has ended is a wrong credential, and too many of these shut an address out. */
let asked = 0;
const from = () => ({ 'x-forwarded-for': `10.0.${Math.floor(++asked / 250)}.${asked % 250}` });
const keyOf = (name: string): string => `key-of-${name}-in-this-test`;

const consumer = (name: string, role: string): object => ({
  name,
  roles: [role],
  apiKeys: [{ hash: `sha256:${createHash('sha256').update(keyOf(name)).digest('hex')}` }],
});

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  const consumers = ['ann', 'bob', 'carl'].map((name) => consumer(name, 'viewer'));
  const config = {
    gateway: {
      trustedProxies: ['127.0.0.1/32'],
      routes: [{ name: 'closed', path: '/closed', respond: { status: 200 }, auth: 'required' }],
    },
    auth: { tokens: { session: '1h' }, consumers: [...consumers, consumer('olga', 'admin')] },
  };
  const env = { DATABASE_URL: database.url };
  [here, there] = await Promise.all([spawnGateway({ config, env }), spawnGateway({ config, env })]);
}, 60_000);

afterAll(async () => {
  await Promise.all([here.stop(), there.stop()]);
  await database.drop();
});

async function ask(method: string, path: string, key = here.adminKey): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${here.url}/api/admin/${path}`, { method, headers: { 'x-api-key': key, ...from() } });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
}

async function list(query = ''): Promise<readonly Shown[]> {
  return ((await ask('GET', `sessions${query}`)).body as { items: Shown[] }).items;
}

async function signIn(name: string): Promise<string> {
  const answer = await fetch(`${here.url}/api/admin/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...from() },
    body: JSON.stringify({ key: name === 'owner' ? here.adminKey : keyOf(name) }),
  });
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

async function grant(body: Record<string, string>): Promise<{ status: number } & Tokens> {
  const answer = await fetch(`${here.url}/api/admin/oauth/token`, {
    method: 'POST',
    headers: from(),
    body: new URLSearchParams(body),
  });
  return { status: answer.status, ...((await answer.json()) as Tokens) };
}

const tokens = async (name: string) => await grant({ grant_type: 'client_credentials', client_secret: keyOf(name) });
const renewed = async ({ refresh_token }: Tokens) => await grant({ grant_type: 'refresh_token', refresh_token });

async function meAt({ url }: SpawnedGateway, headers: Record<string, string>): Promise<number> {
  const answer = await fetch(`${url}/api/admin/me`, { headers: { ...headers, ...from() } });
  await answer.arrayBuffer();
  return answer.status;
}

/** At both instances, within two seconds. */
async function endsEverywhere(headers: Record<string, string>): Promise<boolean> {
  const statuses = async () => await Promise.all([here, there].map(async (each) => await meAt(each, headers)));
  return await within(WITHIN_MS, async () => !(await statuses()).includes(200));
}

const bearer = ({ access_token: token }: Tokens) => ({ authorization: `Bearer ${token}` });

describe('who is signed in', () => {
  it('is listed, the newest first, and page by page', async () => {
    await signIn('ann');
    const given = await tokens('ann');
    await renewed(given);
    await signIn('owner');
    const all = await list();
    expect(all.slice(0, 3)).toMatchObject([
      { kind: 'browser', consumer: 'owner', by: 'key', user: null, roles: null },
      { kind: 'tokens', consumer: 'ann', by: 'key', user: null, roles: null },
      { kind: 'browser', consumer: 'ann', by: 'key' },
    ]);
    expect(
      all.every(({ since, expiresAt }) => Date.parse(since) <= Date.now() && Date.parse(expiresAt) > Date.now()),
    ).toBe(true);
    const first = (await ask('GET', 'sessions?limit=2')).body as { items: Shown[]; nextCursor: string };
    const second = await list(`?limit=2&cursor=${first.nextCursor}`);
    expect([...first.items, ...second].map(({ id }) => id)).toEqual(all.slice(0, 4).map(({ id }) => id));
    expect((await list('?consumer=ann')).every(({ consumer }) => consumer === 'ann')).toBe(true);
    expect(await list('?user=ann')).toEqual([]);
    // Neither a token nor what one could be found by.
    const text = JSON.stringify(all);
    for (const secret of [given.access_token, given.refresh_token]) expect(text).not.toContain(secret.slice(9, 30));
    expect(text).not.toMatch(/AEGIS_ADMIN_KEY|declared:/);
  });

  it('is not who came by a key that the configuration has no longer', async () => {
    await Promise.all([signIn('ann'), signIn('bob'), signIn('owner'), tokens('ann')]);
    const of = (items: readonly Shown[]): string[] => [...new Set(items.map(({ consumer }) => consumer))].sort();
    expect(of(await list())).toEqual(expect.arrayContaining(['ann', 'bob', 'owner']));
    const later = await spawnGateway({
      config: { gateway: { routes: [] }, auth: { consumers: [consumer('bob', 'viewer')] } },
      env: { DATABASE_URL: database.url, AEGIS_ADMIN_KEY: 'another-key-of-the-owner' },
    });
    try {
      const headers = { 'x-api-key': 'another-key-of-the-owner' };
      const answer = await fetch(`${later.url}/api/admin/sessions`, { headers });
      expect(of(((await answer.json()) as { items: Shown[] }).items)).toEqual(['bob']);
    } finally {
      await later.stop();
    }
  });

  it('is so for as long as the configuration says', async () => {
    await signIn('ann');
    const [{ since, expiresAt } = { since: '', expiresAt: '' }] = await list('?consumer=ann');
    const lasts = Date.parse(expiresAt) - Date.parse(since);
    expect(Math.abs(lasts - 3_600_000)).toBeLessThan(60_000);
  });

  it.each([
    ['GET', 'sessions?limit=0', 422],
    ['GET', 'sessions?cursor=x', 422],
    ['GET', 'sessions?consumer=%00', 422],
    ['DELETE', 'sessions', 422],
    ['DELETE', 'sessions?consumer=', 422],
    ['DELETE', 'sessions?everybody=true', 422],
    ['DELETE', 'sessions/x', 404],
    ['DELETE', 'sessions/018f3a52-7c1e-7aaa-8bbb-0123456789ab', 404],
  ])('%s %s is %i', async (method, path, status) => {
    expect((await ask(method, path)).status).toBe(status);
  });
});

describe('a session that somebody else ends', () => {
  it('is over at every instance within two seconds, and the other ones of its owner go on', async () => {
    const [one, other] = [{ cookie: await signIn('bob') }, { cookie: await signIn('bob') }];
    expect([await meAt(here, one), await meAt(there, one), await meAt(there, other)]).toEqual([200, 200, 200]);
    const [, { id } = { id: '' }] = await list('?consumer=bob');
    expect((await ask('DELETE', `sessions/${id}`, keyOf('bob'))).status).toBe(403);
    expect((await ask('DELETE', `sessions/${id}`, keyOf('olga'))).status).toBe(204);
    expect(await endsEverywhere(one)).toBe(true);
    expect([await meAt(here, other), await meAt(there, other)]).toEqual([200, 200]);
    expect((await ask('DELETE', `sessions/${id}`)).status).toBe(404);
    expect((await list('?consumer=bob')).map((each) => each.id)).not.toContain(id);
  });

  it('takes all of its tokens with it, and nothing renews them', async () => {
    const first = await tokens('bob');
    const second = await renewed(first);
    const [{ id } = { id: '' }] = await list('?consumer=bob');
    expect((await ask('DELETE', `sessions/${id}`)).status).toBe(204);
    expect((await renewed(second)).status).toBe(400);
    expect(await endsEverywhere(bearer(second))).toBe(true);
  });

  it('is in the audit log, with what it was and by whom it ended', async () => {
    await tokens('carl');
    const [{ id } = { id: '' }] = await list('?consumer=carl');
    await ask('DELETE', `sessions/${id}`, keyOf('olga'));
    const { items } = (await ask('GET', `audit?entity=sessions/${id}`)).body as { items: readonly object[] };
    expect(items).toEqual([
      expect.objectContaining({
        actor: 'olga',
        operation: 'DELETE /api/admin/sessions/:id',
        outcome: 'done',
        before: { ended: 1, sessions: [expect.objectContaining({ id, consumer: 'carl', kind: 'tokens' })] },
        after: null,
      }),
    ]);
  });

  it('is any of somebody, if all of theirs end; others stay', async () => {
    const [cookie, others] = [{ cookie: await signIn('carl') }, { cookie: await signIn('ann') }];
    const given = [await tokens('carl'), await tokens('carl')];
    expect(await ask('DELETE', 'sessions?consumer=carl')).toEqual({ status: 200, body: { ended: 3 } });
    for (const each of [cookie, ...given.map(bearer)]) expect(await endsEverywhere(each)).toBe(true);
    for (const each of given) expect((await renewed(each)).status).toBe(400);
    expect(await list('?consumer=carl')).toEqual([]);
    expect(await meAt(there, others)).toBe(200);
    expect(await ask('DELETE', 'sessions?consumer=carl')).toEqual({ status: 200, body: { ended: 0 } });
    // The key is as good as before.
    expect((await tokens('carl')).status).toBe(200);
  });

  it('leaves nothing of what was being renewed at that moment', async () => {
    for (let round = 0; round < 15; round++) {
      let latest = await tokens('carl');
      const renewing = (async () => {
        for (let i = 0; i < 50; i++) {
          const next = await renewed(latest);
          if (next.status !== 200) return;
          latest = next;
        }
      })();
      const ended = await ask('DELETE', 'sessions?consumer=carl');
      await renewing;
      expect(ended.status).toBe(200);
      expect([round, await list('?consumer=carl')]).toEqual([round, []]);
    }
  });
});
