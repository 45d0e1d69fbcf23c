import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';

type Spec = Readonly<Record<string, unknown>>;

interface Kind {
  readonly kind: string;
  readonly spec: Spec;
  readonly replaced: Spec;
  readonly patch: Spec;
  readonly patched: Spec;
  /** That finds it when it was patched. */
  readonly filter: string;
  readonly wrong: Spec;
  readonly mistake: string;
}

const KINDS: readonly Kind[] = [
  {
    kind: 'routes',
    spec: { path: '/one', upstream: 'files' },
    replaced: { path: '/other', upstream: 'files', timeout: '5s' },
    patch: { timeout: null, methods: ['GET'] },
    patched: { path: '/other', upstream: 'files', methods: ['GET'] },
    filter: 'path=/oth*&method=GET',
    wrong: { path: '/one', upstream: 'files', timeout: 'soon' },
    mistake: 'timeout',
  },
  {
    kind: 'upstreams',
    spec: { targets: ['http://127.0.0.1:1'] },
    replaced: { targets: ['http://127.0.0.1:2'], balance: 'random-two' },
    patch: { balance: null, slowStart: '5s' },
    patched: { targets: ['http://127.0.0.1:2'], slowStart: '5s' },
    filter: 'target=http://127.0.0.1:2',
    wrong: { targets: [{ url: 'http://127.0.0.1:1', wait: 2 }] },
    mistake: 'targets[0].wait',
  },
  {
    kind: 'consumers',
    spec: { roles: ['user'] },
    replaced: { roles: ['user'], plan: 'gold' },
    patch: { plan: null, tags: ['partner'] },
    patched: { roles: ['user'], tags: ['partner'] },
    filter: 'tag=partner&role=user',
    wrong: { roles: 'user', apiKeys: [{ hash: 'plain' }] },
    mistake: 'apiKeys[0].hash',
  },
  {
    kind: 'rate-limit-rules',
    spec: { path: '/one', limit: 10, window: '1m' },
    replaced: { path: '/one', limit: 20, window: '1m', mode: 'shadow' },
    patch: { mode: null, limit: 30 },
    patched: { path: '/one', limit: 30, window: '1m' },
    filter: 'path=/one',
    wrong: { path: '/one', limit: -1, window: '1m' },
    mistake: 'limit',
  },
  {
    kind: 'ip-rules',
    spec: { deny: ['203.0.113.0/24'] },
    replaced: { deny: ['203.0.113.7'] },
    patch: { deny: ['203.0.113.8', '203.0.113.9'] },
    patched: { deny: ['203.0.113.8', '203.0.113.9'] },
    filter: 'address=203.0.113.9',
    wrong: { deny: ['203.0.113.0/24', '203.0.113.300'] },
    mistake: 'deny[1]',
  },
  {
    kind: 'roles',
    spec: { permissions: ['read:things'] },
    replaced: { permissions: ['read:*'], inherits: ['reader'] },
    patch: { inherits: null, permissions: ['read:*', 'write:things'] },
    patched: { permissions: ['read:*', 'write:things'] },
    filter: 'permission=write:things',
    wrong: { permissions: ['read:things'], inherit: [] },
    mistake: 'inherit',
  },
  {
    kind: 'alerts',
    spec: { metric: 'latency-p95', above: '500ms', for: '2m' },
    replaced: { metric: 'latency-p95', above: '700ms', for: '2m', severity: 'critical' },
    patch: { severity: null, for: '3m' },
    patched: { metric: 'latency-p95', above: '700ms', for: '3m' },
    filter: 'metric=latency-*',
    wrong: { metric: 'latency', above: '500ms' },
    mistake: 'metric',
  },
];

let database: TestDatabase;
let gateway: SpawnedGateway;

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly location: string | null;
  readonly body: Record<string, unknown>;
}

async function ask(method: string, path: string, body?: Spec, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(`${gateway.url}/api/admin/${path}`, {
    method,
    headers: { 'x-api-key': gateway.adminKey, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    etag: answer.headers.get('etag') ?? '',
    location: answer.headers.get('location'),
    body: (text === '' ? {} : JSON.parse(text)) as Answer['body'],
  };
}

/** As the database has it. */
async function stored(kind: string, name: string): Promise<unknown> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const select = 'SELECT spec FROM config_entities WHERE kind = $1 AND name = $2';
  const { rows } = await client.query<{ spec: unknown }>(select, [kind, name]).finally(() => client.end());
  return rows[0]?.spec;
}

function names({ body }: Answer): string[] {
  return (body['items'] as { name: string }[]).map(({ name }) => name);
}

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: { upstreams: [{ name: 'files', targets: ['http://127.0.0.1:9'] }], routes: [] },
      auth: { rbac: { roles: { reader: { permissions: ['read:all'] } } } },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await database.drop();
});

describe.each(KINDS)('$kind', ({ kind, spec, replaced, patch, patched, filter, wrong, mistake }) => {
  const one = `${kind}/one`;

  it('are tried without being made, made once, and read as they were written', async () => {
    expect(await ask('POST', `${kind}?dryRun=true`, { name: 'one', ...spec })).toMatchObject({ status: 200 });
    expect((await ask('GET', one)).status).toBe(404);
    const made = await ask('POST', kind, { name: 'one', ...spec });
    expect(made).toMatchObject({
      status: 201,
      location: `/api/admin/${one}`,
      body: { name: 'one', ...spec, source: 'api' },
    });
    expect(await ask('GET', one)).toEqual({ ...made, status: 200, location: null });
    expect(await ask('POST', kind, { name: 'one', ...spec })).toMatchObject({
      status: 409,
      body: { code: 'already_exists' },
    });
    expect(await stored(kind, 'one')).toEqual(spec);
  });

  it('are replaced by who knows what there is, as often as they like', async () => {
    const { etag } = await ask('GET', one);
    const stale = await ask('PUT', one, replaced, { 'if-match': '"v0"' });
    expect(stale).toMatchObject({ status: 412, etag, body: { code: 'precondition_failed' } });
    expect((await ask('PUT', one, replaced, { 'if-none-match': '*' })).status).toBe(412);
    expect((await ask('PUT', `${one}?dryRun=true`, replaced, { 'if-match': etag })).status).toBe(200);
    expect((await ask('GET', one)).etag).toBe(etag);
    const first = await ask('PUT', one, replaced, { 'if-match': etag });
    expect(first).toMatchObject({ status: 200, body: replaced });
    expect(first.etag).not.toBe(etag);
    expect(await ask('PUT', one, replaced)).toEqual(first);
    const otherwiseWritten = Object.fromEntries(Object.entries(replaced).reverse());
    expect(await ask('PUT', one, otherwiseWritten)).toEqual(first);
    expect((await ask('PUT', `${kind}/new`, spec, { 'if-match': '*' })).status).toBe(412);
    expect((await ask('PUT', one, replaced, { 'if-match': etag })).status).toBe(412);
  });

  it('are patched: what is null goes, what is not named stays', async () => {
    const { etag } = await ask('GET', one);
    expect((await ask('PATCH', one, patch, { 'if-match': '"v0"' })).status).toBe(412);
    const first = await ask('PATCH', one, patch, { 'if-match': etag });
    expect(first).toMatchObject({ status: 200, body: { name: 'one', ...patched, source: 'api' } });
    expect(Object.keys(first.body).sort()).toEqual(['name', 'source', ...Object.keys(patched)].sort());
    expect(await stored(kind, 'one')).toEqual(patched);
  });

  it('are told with their place what is wrong with them, and stay as they are', async () => {
    for (const method of ['PUT', 'PATCH']) {
      const answer = await ask(method, one, wrong);
      const errors: unknown = expect.arrayContaining([expect.objectContaining({ path: mistake })]);
      expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', errors } });
    }
    expect(await stored(kind, 'one')).toEqual(patched);
  });

  it('are listed by pages, each once, whatever comes and goes meanwhile, and found by what they are', async () => {
    for (const name of ['five', 'four', 'three', 'two']) {
      const distinct = kind === 'routes' ? { ...spec, path: `/${name}` } : spec;
      expect((await ask('PUT', `${kind}/${name}`, distinct)).status).toBe(201);
    }
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Answer = await ask('GET', `${kind}?source=api&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...names(page));
      cursor = page.body['nextCursor'] as string | null;
      await ask('DELETE', `${kind}/five`);
    }
    expect(seen).toEqual(['five', 'four', 'one', 'three', 'two']);
    expect(names(await ask('GET', `${kind}?${filter}&name=o*`))).toEqual(['one']);
    expect(names(await ask('GET', `${kind}?name=nothing-like-it`))).toEqual([]);
    const unknown = await ask('GET', `${kind}?nmae=one`);
    expect(unknown.body).toMatchObject({ status: 422, errors: [{ path: 'nmae' }] });
  });

  it('are deleted by who knows what there is, and come back with a rollback', async () => {
    const { etag } = await ask('GET', one);
    const [newest] = (await ask('GET', 'config/history?limit=1')).body['items'] as { version: number }[];
    expect((await ask('DELETE', `${one}?dryRun=true`)).status).toBe(204);
    expect((await ask('DELETE', one, undefined, { 'if-match': '"v0"' })).status).toBe(412);
    expect((await ask('DELETE', one, undefined, { 'if-match': etag })).status).toBe(204);
    expect((await ask('DELETE', one)).status).toBe(404);
    expect(await stored(kind, 'one')).toBeUndefined();
    const back = await ask('POST', 'config/rollback', { version: newest?.version });
    expect(back).toMatchObject({ status: 200, body: { created: [one] } });
    expect(await stored(kind, 'one')).toEqual(patched);
  });
});
