import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { type SpawnedGateway, spawnGateway, StoppablePostgres } from '#testing';

const KEY = 'key-of-the-viewer';
const CONFIG = {
  gateway: { routes: [{ name: 'demo', path: '/demo', upstream: 'builtin:demo' }] },
  auth: {
    consumers: [
      {
        name: 'vera',
        roles: ['viewer'],
        apiKeys: [{ hash: `sha256:${createHash('sha256').update(KEY).digest('hex')}` }],
      },
    ],
  },
};

interface Entry {
  readonly seq: number;
  readonly actor: string | null;
  readonly operation: string;
  readonly outcome: string;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly hash: string;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

describe('the audit log', () => {
  let postgres: StoppablePostgres;
  let gateway: SpawnedGateway;

  const ask = async (path: string, init: Sent = {}, key = gateway.adminKey): Promise<Response> =>
    await fetch(gateway.url + path, { ...init, headers: { 'x-api-key': key, ...init.headers } });

  /** They are written a moment after the answer. */
  const entriesOf = async (requestId: string, wanted: number): Promise<readonly Entry[]> => {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const answer = await ask('/api/admin/audit?limit=500');
      const { items } = (await answer.json()) as { items: Entry[] };
      const found = items.filter((entry) => entry.requestId === requestId);
      if (found.length >= wanted || Date.now() > deadline) return found;
    }
  };

  beforeAll(async () => {
    postgres = await StoppablePostgres.start();
    gateway = await spawnGateway({ config: CONFIG, env: { DATABASE_URL: postgres.url } });
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
    await postgres.stop();
  });

  it('tells who changed what, from where and when', async () => {
    await ask('/_aegis/reload', { method: 'POST', headers: { 'x-request-id': 'a-change', 'user-agent': 'a test' } });
    expect(await entriesOf('a-change', 1)).toMatchObject([
      {
        actor: 'owner',
        credential: 'AEGIS_ADMIN_KEY',
        clientIp: '127.0.0.1',
        userAgent: 'a test',
        operation: 'POST /_aegis/reload',
        outcome: 'done',
        status: 200,
      },
    ]);
  });

  it('tells of attempts that were refused, and not of reading', async () => {
    const as = (id: string): Sent => ({ headers: { 'x-request-id': id } });
    await ask('/_aegis/status', as('a-look'));
    await ask('/_aegis/reload', { ...as('not-allowed'), method: 'POST' }, KEY);
    await ask('/_aegis/status', as('a-guess'), 'a-wrong-key');
    expect([
      await entriesOf('not-allowed', 1),
      await entriesOf('a-guess', 1),
      await entriesOf('a-look', 0),
    ]).toMatchObject([
      [{ actor: 'vera', operation: 'POST /_aegis/reload', outcome: 'refused', status: 403 }],
      [{ actor: null, credential: null, operation: 'GET /_aegis/status', outcome: 'refused', status: 401 }],
      [],
    ]);
  });

  it('is for those who may read it', async () => {
    const answers = await Promise.all(
      ['', '/verify', '/export'].map(async (path) => (await ask(`/api/admin/audit${path}`, {}, KEY)).status),
    );
    expect(answers).toEqual([403, 403, 403]);
  });

  it('is listed by pages, filtered, and says what is wrong with a question', async () => {
    for (let i = 0; i < 3; i++)
      await ask('/_aegis/reload', { method: 'POST', headers: { 'x-request-id': `page-${i}` } });
    await entriesOf('page-2', 1);
    const page = async (query: string): Promise<{ items: Entry[]; nextCursor: string | null }> =>
      (await (await ask(`/api/admin/audit?${query}`)).json()) as never;
    const first = await page('limit=2&actor=owner');
    const second = await page(`limit=2&actor=owner&cursor=${first.nextCursor ?? ''}`);
    const seqs = [...first.items, ...second.items].map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => b - a));
    expect(new Set(seqs).size).toBe(4);
    expect((await page('actor=nobody')).items).toEqual([]);
    expect((await ask('/api/admin/audit?actor=%00')).status).toBe(422);
    expect((await ask('/api/admin/audit?entity=%00')).status).toBe(422);
    const wrong = await ask('/api/admin/audit?limit=0&cursor=x&from=yesterday&actor=a&actor=b');
    const { errors } = (await wrong.json()) as { errors: { path: string }[] };
    expect([wrong.status, errors.map(({ path }) => path).sort()]).toEqual([422, ['actor', 'cursor', 'from', 'limit']]);
  });

  it('is exported a line each, oldest first', async () => {
    const answer = await ask('/api/admin/audit/export');
    const lines = (await answer.text()).trim().split('\n');
    const seqs = lines.map((line) => (JSON.parse(line) as Entry).seq);
    expect(answer.headers.get('content-type')).toContain('application/x-ndjson');
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  });

  it('stops changes while the database is away, and tells afterwards of what was refused meanwhile', async () => {
    await postgres.stop();
    const change = await ask('/_aegis/reload', { method: 'POST', headers: { 'x-request-id': 'while-away' } });
    const refused = await ask('/_aegis/reload', { method: 'POST', headers: { 'x-request-id': 'refused-away' } }, KEY);
    await postgres.startAgain();
    expect([change.status, refused.status]).toEqual([503, 403]);
    expect(await entriesOf('refused-away', 1)).toMatchObject([{ outcome: 'refused', status: 403 }]);
    expect(await entriesOf('while-away', 1)).toMatchObject([{ outcome: 'failed', status: 503 }]);
  });

  it('is verified, and shows where it was tampered with', async () => {
    const before = (await (await ask('/api/admin/audit/verify')).json()) as { head: { seq: number; hash: string } };
    const { seq, hash } = before.head;
    const expected = await ask(`/api/admin/audit/verify?expect=${seq}:${hash}`);
    expect([before, await expected.json()]).toMatchObject([{ ok: true }, { ok: true }]);
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    await client.query('DELETE FROM audit_log WHERE seq = $1', [seq]);
    const cut = await ask(`/api/admin/audit/verify?expect=${seq}:${hash}`);
    await client.query(`UPDATE audit_log SET actor = 'mallory' WHERE seq = 2`);
    await client.end();
    const changed = await ask('/api/admin/audit/verify');
    expect([await cut.json(), await changed.json()]).toMatchObject([
      { ok: false, brokenAt: { seq } },
      { ok: false, brokenAt: { seq: 2 } },
    ]);
  });

  it('is not written when it is switched off', async () => {
    await ask('/_aegis/reload', { method: 'POST', headers: { 'x-request-id': 'still-on' } });
    expect(await entriesOf('still-on', 1)).toHaveLength(1);
    // The file may be followed before it is asked to be: what asks for it is not written then.
    writeFileSync(gateway.configFile, JSON.stringify({ ...CONFIG, monitoring: { audit: { enabled: false } } }));
    await ask('/_aegis/reload', { method: 'POST' });
    await ask('/_aegis/reload', { method: 'POST', headers: { 'x-request-id': 'switched-off' } });
    expect(await entriesOf('switched-off', 0)).toEqual([]);
  });
});
