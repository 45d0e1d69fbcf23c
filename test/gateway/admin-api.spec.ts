import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RecordingUpstream, type SpawnedGateway, spawnGateway, startUpstream } from '#testing';

let upstream: RecordingUpstream;
let gateway: SpawnedGateway;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(`${gateway.url}/api/admin/${path}`, {
    method,
    headers: { 'x-api-key': gateway.adminKey, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  const json = text !== '' && (answer.headers.get('content-type') ?? '').includes('json');
  return {
    status: answer.status,
    headers: answer.headers,
    body: (json ? JSON.parse(text) : { text }) as Answer['body'],
  };
}

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await spawnGateway({
    config: {
      gateway: {
        upstreams: [{ name: 'files', targets: [upstream.url] }],
        routes: [{ name: 'closed', path: '/closed', upstream: 'files', auth: 'required' }],
      },
      auth: { consumers: [{ name: 'declared', roles: ['user'], apiKeys: [{ hash: `sha256:${'ab'.repeat(32)}` }] }] },
    },
  });
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

describe('the keys of a consumer', () => {
  const call = async (key: unknown): Promise<number> => {
    return (await fetch(`${gateway.url}/closed`, { headers: { 'x-api-key': String(key) } })).status;
  };

  it('are shown once, work, are listed without their secret, rotated with overlap, and revoked', async () => {
    await ask('PUT', 'consumers/caller', { roles: ['user'], plan: 'gold' });
    const made = await ask('POST', 'consumers/caller/keys', { name: 'ci', expiresIn: '90d', scopes: ['read'] });
    expect(made.status).toBe(201);
    const { id, key, prefix } = made.body as Record<string, string>;
    expect(made.body).toEqual(
      expect.objectContaining({ name: 'ci', scopes: ['read'], lastUsedAt: null, expiresAt: expect.any(String) }),
    );
    expect(key?.startsWith(String(prefix))).toBe(true);
    expect(await call(key)).toBe(200);
    const listed = await ask('GET', 'consumers/caller/keys');
    expect(JSON.stringify(listed.body)).not.toContain(key);
    expect(listed.body).toMatchObject({ items: [{ id, name: 'ci' }], nextCursor: null });
    const rotated = await ask('POST', `consumers/caller/keys/${id}/rotate`, { overlap: '1h' });
    expect(rotated).toMatchObject({ status: 201, body: { name: 'ci', scopes: ['read'] } });
    expect([await call(key), await call(rotated.body['key'])]).toEqual([200, 200]);
    expect((await ask('DELETE', `consumers/caller/keys/${id}`)).status).toBe(204);
    expect((await ask('DELETE', `consumers/caller/keys/${id}`)).status).toBe(404);
    while ((await call(key)) !== 401);
    expect(await call(rotated.body['key'])).toBe(200);
    const audit = await ask('GET', 'audit');
    expect(JSON.stringify(audit.body)).not.toContain(key);
  });

  it('are made for as long in place of others, unless something else is said', async () => {
    const rotate = async (id: unknown, body: object = {}): Promise<Record<string, unknown>> => {
      return (await ask('POST', `consumers/lasting/keys/${String(id)}/rotate`, body)).body;
    };
    const days = ({ createdAt, expiresAt }: Record<string, unknown>): number | null =>
      expiresAt === null
        ? null
        : Math.round((Date.parse(expiresAt as string) - Date.parse(createdAt as string)) / 86_400_000);
    await ask('PUT', 'consumers/lasting', {});
    const { body: limited } = await ask('POST', 'consumers/lasting/keys', { expiresIn: '90d' });
    const { body: endless } = await ask('POST', 'consumers/lasting/keys', {});
    const next = await rotate(limited['id']);
    expect([days(limited), days(next), days(await rotate(next['id']))]).toEqual([90, 90, 90]);
    // It ends within a day by now, which says nothing of how long it was made for.
    expect(days(await rotate(limited['id']))).toBe(90);
    expect(days(await rotate(limited['id'], { expiresIn: '7d' }))).toBe(7);
    expect(days(await rotate(limited['id'], { expiresIn: 'never' }))).toBeNull();
    expect([days(await rotate(endless['id'])), days(await rotate(endless['id']))]).toEqual([null, null]);
    expect(await rotate(endless['id'], { expiresIn: 'ever' })).toMatchObject({ code: 'validation_failed' });
    expect((await ask('DELETE', 'consumers/lasting')).status).toBe(204);
  });

  it('are listed by their hashes where the file declares them', async () => {
    const listed = await ask('GET', 'consumers/declared/keys');
    expect([listed.status, listed.body]).toEqual([
      200,
      {
        items: [
          {
            id: `declared:${'ab'.repeat(8)}`,
            name: 'declared',
            prefix: `sha256:${'ab'.repeat(6)}`,
            scopes: [],
            createdAt: null,
            expiresAt: null,
            lastUsedAt: null,
            source: 'file',
          },
        ],
        nextCursor: null,
      },
    ]);
    expect(await ask('POST', `consumers/declared/keys/declared:${'ab'.repeat(8)}/rotate`)).toMatchObject({
      status: 409,
    });
    expect(await ask('DELETE', `consumers/declared/keys/declared:${'ab'.repeat(8)}`)).toMatchObject({ status: 409 });
    expect((await ask('GET', 'consumers/nobody/keys')).status).toBe(404);
  });

  it('are not made for who is declared in the file, unknown, or with an end that is over', async () => {
    expect(await ask('POST', 'consumers/declared/keys', {})).toMatchObject({
      status: 409,
      body: { code: 'declared_in_file' },
    });
    expect((await ask('POST', 'consumers/nobody/keys', {})).status).toBe(404);
    const over = await ask('POST', 'consumers/caller/keys', { expiresAt: '2001-01-01T00:00:00Z' });
    expect(over).toMatchObject({ status: 422, body: { errors: [{ path: 'expiresAt' }] } });
    const misspelt = await ask('POST', 'consumers/caller/keys', { scope: ['x'] });
    expect(misspelt.body['detail']).toContain('did you mean scopes?');
  });

  it.each([{ name: 'a\0b' }, { scopes: ['read', 'a\0b'] }])(
    'are not called what no database can store: %j',
    async (body) => {
      expect(await ask('POST', 'consumers/caller/keys', body)).toMatchObject({
        status: 422,
        body: { errors: [{ path: Object.keys(body)[0] }] },
      });
    },
  );
});

describe('the whole configuration', () => {
  const routes = (count: number): object[] =>
    Array.from({ length: count }, (_, index) => ({ name: `r${index}`, path: `/r/${index}`, upstream: 'files' }));

  it('is replaced at once by a document of five hundred routes, and saying it again changes nothing', async () => {
    const document = { gateway: { routes: routes(500) } };
    const tried = await ask('PUT', 'config?dryRun=true', document);
    expect(tried).toMatchObject({ status: 200, body: { dryRun: true, deleted: ['consumers/caller'] } });
    expect((await fetch(`${gateway.url}/r/499`)).status).toBe(404);
    const done = await ask('PUT', 'config', document);
    expect(done.body['created']).toHaveLength(500);
    expect((await fetch(`${gateway.url}/r/499`)).status).toBe(200);
    const again = await ask('PUT', 'config', document);
    expect(again.body).toMatchObject({ created: [], updated: [], deleted: [], unchanged: 500 });
    expect(again.body['version']).toBe(done.body['version']);
  });

  it('comes out as YAML that may be put back as it is, secrets masked', async () => {
    const secret = {
      path: '/s',
      upstream: 'files',
      request: { headers: { set: { authorization: 'Basic c2VjcmV0' } } },
    };
    await ask('PUT', 'routes/secret', secret);
    const yaml = await ask('GET', 'config?format=yaml');
    expect(yaml.headers.get('content-type')).toContain('application/yaml');
    expect(yaml.body['text']).not.toContain('c2VjcmV0');
    const put = await ask('PUT', 'config', yaml.body['text'], { 'content-type': 'application/yaml' });
    expect(put).toMatchObject({ status: 200, body: { created: [], updated: [], deleted: [] } });
    expect(JSON.stringify((await ask('GET', 'routes/secret')).body)).toContain('(masked)');
    // What was masked when it was read is put back as it was.
    // Also as JSON, where text means itself.
    await ask('PUT', 'routes/text', { path: '/t', respond: { status: 200, body: '${HOME} $${B}' } });
    const json = await ask('GET', 'config');
    const again = await ask('PUT', 'config', json.body);
    expect(again).toMatchObject({ status: 200, body: { created: [], updated: [], deleted: [] } });
    const shown = await ask('GET', 'routes/secret');
    expect((await ask('PUT', 'routes/secret', { ...shown.body, timeout: '5s' })).status).toBe(200);
    await fetch(`${gateway.url}/s`);
    expect(upstream.requests.at(-1)?.headers.authorization).toBe('Basic c2VjcmV0');
    expect((await ask('PUT', 'routes/other', { ...shown.body, name: 'other' })).body['detail']).toContain('(masked)');
  });

  it('has a history with who, when and what, and goes back', async () => {
    const [newest] = (await ask('GET', 'config/history?limit=1')).body['items'] as { version: number }[];
    const before = newest?.version ?? 0;
    await ask('PATCH', 'routes/r1', { timeout: '7s' });
    await ask('DELETE', 'routes/r2');
    const last = await ask('GET', `config/history/${before + 1}`);
    expect(last.body).toMatchObject({
      actor: 'owner',
      changes: [{ kind: 'routes', name: 'r1', what: 'updated', after: { timeout: '7s' } }],
    });
    const back = await ask('POST', 'config/rollback', { version: before });
    expect(back.body).toMatchObject({ version: before + 3, created: ['routes/r2'], updated: ['routes/r1'] });
    expect((await ask('GET', 'routes/r1')).body['timeout']).toBeUndefined();
    expect((await ask('POST', 'config/rollback', { version: 999_999 })).status).toBe(404);
    const wrong = await ask('POST', 'config/rollback', { versoin: 1 });
    expect(wrong.body['detail']).toContain('did you mean version?');
  });

  it('is refused as a whole for one mistake, with its place, and for what belongs to the file', async () => {
    const [newest] = (await ask('GET', 'config/history?limit=1')).body['items'] as { version: number }[];
    const one = await ask('PUT', 'config', { gateway: { routes: [...routes(2), { path: '/x', upsteam: 'files' }] } });
    expect(one).toMatchObject({ status: 422, body: { errors: [{ path: 'gateway.routes[2].upsteam' }] } });
    const port = await ask('PUT', 'config', { gateway: { port: 1, routes: [] } });
    expect(port).toMatchObject({ status: 422, body: { errors: [{ path: 'gateway.port' }] } });
    const closed = await ask('PUT', 'config', {
      gateway: { routes: [{ name: 'closed', path: '/open', upstream: 'files' }] },
    });
    expect(closed).toMatchObject({ status: 409, body: { code: 'declared_in_file' } });
    const stale = await ask('PUT', 'config', { gateway: { routes: [] } }, { 'if-match': '"v1"' });
    expect(stale.status).toBe(412);
    const twice = await ask('PUT', 'config', { gateway: { routes: [...routes(2), ...routes(1)] } });
    expect(twice).toMatchObject({ status: 422, body: { errors: [{ path: 'gateway.routes[2].name' }] } });
    const valid = await ask('POST', 'config/validate', { gateway: { routes: routes(1) } });
    expect(valid.body).toMatchObject({ valid: true, dryRun: true });
    expect((await ask('GET', 'config/history?limit=1')).body['items']).toMatchObject([newest]);
  });
});

describe('a path of the admin API', () => {
  it.each([
    ['POST', 'routes/closed', 'DELETE, GET, HEAD, PATCH, PUT'],
    ['DELETE', 'routes', 'GET, HEAD, POST'],
    ['GET', 'config/rollback', 'POST'],
    ['PATCH', '../../health', 'GET, HEAD'],
  ])('says to %s %s what it takes: %s', async (method, path, allow) => {
    const answer = await ask(method, path);
    expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(answer.headers.get('allow')).toBe(allow);
    const options = await ask('OPTIONS', path);
    expect([options.status, options.headers.get('allow')]).toEqual([204, allow]);
  });

  it('that is not there is 404 by every method', async () => {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      expect(await ask(method, 'nothing/like/it')).toMatchObject({ status: 404, body: { code: 'route_not_found' } });
    }
  });
});

describe('what others need', () => {
  it.each([
    ['roles/parent', {}, 'roles/child', { inherits: ['parent'] }],
    [
      'routes/watched',
      { path: '/w', upstream: 'files' },
      'alerts/a',
      { metric: 'latency-p95', above: '1s', route: 'watched' },
    ],
    ['upstreams/up', { targets: ['http://127.0.0.1:1'] }, 'routes/user', { path: '/u', upstream: 'up' }],
  ])('%s %j is not deleted before %s', async (needed, spec, needing, other) => {
    expect((await ask('PUT', needed, spec)).status).toBe(201);
    expect(await ask('PUT', needing, other)).toMatchObject({ status: 201 });
    const refused = await ask('DELETE', needed);
    expect(refused).toMatchObject({ status: 409, body: { code: 'in_use' } });
    expect(refused.body['detail']).toContain(needing.split('/')[1]);
    for (const path of [needing, needed]) expect((await ask('DELETE', path)).status).toBe(204);
  });
});

describe('a mistake', () => {
  it.each([
    ['POST', 'routes', '{"a":', 400, 'not valid JSON'],
    ['POST', 'routes', [], 422, 'a list'],
    ['POST', 'routes', JSON.parse('['.repeat(200) + ']'.repeat(200)), 422, 'nested deeper than 64'],
    ['POST', 'routes', { path: '/_aegis/x', upstream: 'files' }, 422, 'reserved'],
    ['POST', 'routes', { path: '/x', upstream: 'file' }, 422, 'did you mean files?'],
    ['POST', 'routes', '{"path":"/x","upstream":"files","__proto__":{"x":1}}', 422, '__proto__'],
    ['POST', 'routes', { path: { regex: '^/(a+)+$' }, upstream: 'files' }, 422, 'could stop the gateway'],
    ['POST', 'upstreams', { targets: ['http://127.0.0.1:1'] }, 422, 'name'],
    ['PUT', 'consumers/nobody', '', 400, 'empty'],
    ['POST', 'config/validate', '', 400, 'empty'],
    ['PUT', 'routes/a', { name: 'b', path: '/x', upstream: 'files' }, 422, 'not renamed'],
    ['PUT', 'routes/closed', { path: '/x', upstream: 'files' }, 409, 'declared in the configuration file'],
    ['PATCH', 'routes/nothing', {}, 404, 'no route'],
    ['DELETE', 'upstreams/files', undefined, 409, 'declared in the configuration file'],
    ['GET', 'routes?limit=0', undefined, 422, 'at least 1'],
    ['GET', 'routes?cursor=%00', undefined, 422, 'nextCursor'],
    ['POST', 'ip-rules', { name: 'x', deny: ['1.2.3.4/99'] }, 422, 'prefix length'],
    ['POST', 'roles', { name: 'x', inherits: ['x'] }, 422, 'inherits itself'],
    ['POST', 'roles', { name: 'x', inherits: ['viewer', 'nobody'] }, 422, 'inherits[1]: no role is called "nobody"'],
    ['POST', 'alerts', { name: 'x', metric: 'error-rate', above: '5%', route: 'no' }, 422, 'no route is called "no"'],
  ])('%s %s %j is answered %i: %s', async (method, path, body, status, words) => {
    const answer = await ask(method, path, body);
    expect(answer.body).toMatchObject({ status });
    expect(answer.status).toBe(status);
    expect(answer.body['detail']).toContain(words);
  });
});
