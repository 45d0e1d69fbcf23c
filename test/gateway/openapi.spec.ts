import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type Asked, DocumentedApi, type OpenApi } from './openapi/documented-api.js';
import { ENTITY_KINDS } from '#config';
import { type SpawnedGateway, spawnGateway } from '#testing';

const VIEWER = 'key-of-the-viewer-of-this-test';

let gateway: SpawnedGateway;
let document: OpenApi;
let api: DocumentedApi;

const ask = async (name: string, asked: Asked = {}): Promise<Awaited<ReturnType<DocumentedApi['ask']>>> =>
  await api.ask(name, asked);

beforeAll(async () => {
  gateway = await spawnGateway({
    config: {
      gateway: {
        upstreams: [{ name: 'files', targets: ['http://127.0.0.1:9', { url: 'http://127.0.0.1:10', weight: 2 }] }],
        routes: [
          {
            name: 'demo',
            path: '/demo',
            upstream: 'builtin:demo',
            timeout: '5s',
            rateLimit: { limit: 5, window: '1m' },
          },
          { path: { regex: '^/v[0-9]+/x$' }, hosts: ['*.example.com'], upstream: 'files', auth: { roles: ['viewer'] } },
        ],
        ip: { deny: ['203.0.113.0/24'] },
      },
      rateLimiting: { rules: [{ name: 'declared', path: '/search/*', limit: 10, window: '1m', key: ['ip'] }] },
      auth: {
        consumers: [
          {
            name: 'vera',
            roles: ['viewer'],
            apiKeys: [{ hash: `sha256:${createHash('sha256').update(VIEWER).digest('hex')}` }],
          },
        ],
        rbac: { roles: { user: { permissions: ['read:things'] } } },
      },
      monitoring: { alerts: [{ name: 'slow', metric: 'latency-p95', above: '500ms', for: '2m' }] },
    },
  });
  const answer = await fetch(`${gateway.url}/api/admin/openapi.json`, { headers: { 'x-api-key': VIEWER } });
  document = (await answer.json()) as OpenApi;
  api = new DocumentedApi(gateway.url, gateway.adminKey, document);
}, 60_000);

afterAll(async () => {
  await gateway.stop();
});

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1, as an independent validator reads it', async () => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)) as Record<string, unknown>);
    expect(result).toMatchObject({ valid: true });
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(api.danglingReferences()).toEqual([]);
  });

  it('is the one that is committed', () => {
    expect(document).toEqual(JSON.parse(readFileSync('docs/openapi.json', 'utf8')));
  });

  it('has every operation that is served, with its permission, and no other', async () => {
    const { body } = await ask('GET /_aegis/operations');
    const { items } = body as { items: { method: string; path: string; needs: string }[] };
    const served = items.map(({ method, path, needs }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')} ${needs}`);
    const described = api.operations.map(({ name, operation }) => `${name} ${operation['x-aegis-permission']}`);
    expect(described.sort()).toEqual(served.sort());
    expect(items.length).toBeGreaterThan(60);
  });

  it('tells of each what it is about, and calls no two the same', () => {
    expect(api.operations.filter(({ operation }) => operation.tags.includes('Else'))).toEqual([]);
    const ids = api.operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(api.operations.filter(({ operation }) => !/^[A-Z]/.test(operation.summary))).toEqual([]);
  });

  it('asks for a credential where the server does', () => {
    const open = api.operations.filter(({ operation }) => operation.security?.length === 0).map(({ name }) => name);
    const needing = api.operations.filter(({ operation }) => operation['x-aegis-permission'] === 'nothing');
    expect(open).toEqual(needing.map(({ name }) => name));
  });
});

/** `fetch` would ask for a fresh one. */
async function read(path: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    get(`${gateway.url}${path}`, { headers: { 'x-api-key': gateway.adminKey, ...headers } }, (answer) => {
      answer.resume().on('end', () => resolve(answer));
    }).on('error', reject);
  });
}

describe('answers are as the document says', () => {
  const calls: readonly (readonly [string, Asked])[] = [
    ['GET /_aegis/status', {}],
    ['GET /_aegis/routes', {}],
    ['GET /_aegis/jwks.json', {}],
    ['GET /_aegis/explain', { query: { url: 'http://h/demo/x', header: ['a: b', 'c: d'] } }],
    ['GET /_aegis/explain', { query: { url: '/api/admin/routes/demo', method: 'PUT' } }],
    ['GET /_aegis/explain', { query: { url: 'http://a.example.com/v1/x' } }],
    ['GET /_aegis/explain', { query: { url: 'http://a.example.com/nothing' } }],
    ['POST /_aegis/reload', {}],
    ['GET /api/health', {}],
    ['GET /metrics', {}],
    ['GET /api/metrics/rate-limit-usage', { query: { range: '5m', rule: 'declared' } }],
    ['GET /api/admin/limits/usage', { query: { key: 'ip=192.0.2.7' } }],
    ['GET /api/admin/limits/top', { query: { limit: 3 } }],
    ['DELETE /api/admin/limits/keys/{key}', { path: { key: 'ip=192.0.2.7' } }],
    ['GET /api/admin/config', { query: { format: 'json' } }],
    ['GET /api/admin/config', { query: { format: 'yaml' } }],
    ['GET /api/admin/me', {}],
    ['GET /api/admin/openapi.json', {}],
    ['GET /api/admin/docs', {}],
    ['GET /api/admin/docs/page.js', {}],
    ['GET /api/admin/docs/page.css', {}],
    ['POST /api/admin/logout', {}],
    ['POST /api/admin/oauth/token', { body: { grant_type: 'client_credentials' } }],
    ['POST /api/admin/oauth/revoke', { body: { token: 'none' } }],
  ];

  it.each(calls)('%s', async (name, asked) => {
    const { status, mismatch } = await ask(name, asked);
    expect([status >= 200 && status < 300, mismatch]).toEqual([true, null]);
  });

  it.each(ENTITY_KINDS)('of %s, from the first to the last', async (kind) => {
    const base = `/api/admin/${kind}`;
    const example = api.exampleOf(`POST ${base}`);
    const name = String(example['name']);
    const patch = api.exampleOf(`PATCH ${base}/{name}`);
    await ask(`DELETE ${base}/{name}`, { path: { name } });
    const answers = [
      await ask(`POST ${base}`, { body: example, query: { dryRun: true } }),
      await ask(`POST ${base}`, { body: example }),
      await ask(`GET ${base}/{name}`, { path: { name } }),
      await ask(`PUT ${base}/{name}`, { path: { name }, body: api.exampleOf(`PUT ${base}/{name}`) }),
      await ask(`PATCH ${base}/{name}`, { path: { name }, body: patch }),
      await ask(`GET ${base}`, { query: { limit: 1 } }),
      await ask(`GET ${base}`),
      await ask(`DELETE ${base}/{name}`, { path: { name } }),
      await ask(`PUT ${base}/{name}`, { path: { name }, body: api.exampleOf(`PUT ${base}/{name}`) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 201, 200, 200, 200, 200, 200, 204, 201]);
    expect(answers.flatMap(({ mismatch }) => mismatch ?? [])).toEqual([]);
  });

  it('of keys, the whole configuration, its history and the audit log', async () => {
    const name = 'keyholder';
    await ask('PUT /api/admin/consumers/{name}', { path: { name }, body: { roles: ['user'] } });
    const keys = '/api/admin/consumers/{name}/keys';
    const made = await ask(`POST ${keys}`, { path: { name }, body: api.exampleOf(`POST ${keys}`) });
    const { id = '' } = made.body as { id?: string };
    const yaml = { headers: { 'content-type': 'application/yaml' }, body: 'gateway: { routes: [] }' };
    const answers = [
      made,
      await ask(`GET ${keys}`, { path: { name } }),
      await ask(`POST ${keys}/{id}/rotate`, { path: { name, id }, body: { overlap: '1h' } }),
      await ask(`DELETE ${keys}/{id}`, { path: { name, id } }),
      await ask('POST /api/admin/config/validate', { body: api.exampleOf('POST /api/admin/config/validate') }),
      await ask('PUT /api/admin/config', { query: { dryRun: true }, ...yaml }),
      await ask('GET /api/admin/config/history', { query: { limit: 2 } }),
      await ask('GET /api/admin/config/history/{version}', { path: { version: '1' } }),
      await ask('POST /api/admin/config/rollback', { query: { dryRun: true }, body: { version: 0 } }),
      await ask('GET /api/admin/audit', { query: { limit: 20 } }),
      await ask('GET /api/admin/audit/verify'),
      await ask('GET /api/admin/audit/export'),
      await ask('POST /api/admin/login', { body: { key: gateway.adminKey } }),
      await ask('GET /api/admin/sessions', { query: { limit: 1 } }),
      await ask('DELETE /api/admin/sessions', { query: { consumer: 'nobody' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([
      201, 200, 201, 204, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200,
    ]);
    expect(answers.flatMap(({ mismatch }) => mismatch ?? [])).toEqual([]);
  });

  it('where they were had before: 304 of all that is said to be so, and of nothing else', async () => {
    const names: Readonly<Record<string, string>> = { routes: 'demo', consumers: 'keyholder' };
    await ask('PUT /api/admin/consumers/{name}', { path: { name: 'keyholder' }, body: {} });
    const [different, same]: [string[], string[]] = [[], []];
    for (const { name, operation } of api.operations.filter((each) => each.name.startsWith('GET '))) {
      const path = name
        .slice(4)
        .replace('{name}', names[/admin\/([^/]+)\/\{/.exec(name)?.[1] ?? ''] ?? 'nothing')
        .replace('{version}', '1');
      const first = await read(path);
      const { etag } = first.headers;
      if (first.statusCode !== 200) continue;
      const again = await read(path, { 'if-none-match': etag ?? '"none"' });
      const isSaid = operation.responses[304] !== undefined;
      // What counts or tells the time is another each time.
      if (again.statusCode === 304 ? !isSaid : isSaid && again.headers.etag === etag) different.push(name);
      if (again.statusCode === 304) same.push(name);
    }
    expect(different).toEqual([]);
    expect(same.length).toBeGreaterThan(20);
    const after = api.operations
      .filter(({ operation }) => operation.responses[304] !== undefined)
      .map(({ name }) => name);
    expect(after).toContain('GET /api/admin/routes/{name}');
    expect(after).not.toContain('GET /api/admin/config');
  });

  it('where something is refused', async () => {
    const routes = '/api/admin/routes';
    const nothing = { path: { name: 'nothing-of-this-name' } };
    const demo = { path: { name: 'demo' } };
    const refused = [
      await ask(`GET ${routes}`, { key: null }),
      await ask(`GET ${routes}`, { key: 'wrong' }),
      await ask(`POST ${routes}`, { key: VIEWER, body: {} }),
      await ask(`GET ${routes}/{name}`, nothing),
      await ask(`PUT ${routes}/{name}`, { ...demo, body: { path: '/x', upstream: 'files' } }),
      await ask(`PUT ${routes}/{name}`, {
        ...nothing,
        body: { path: '/x', upstream: 'files' },
        headers: { 'if-match': '"v0"' },
      }),
      await ask(`POST ${routes}`, { body: 'a', headers: { 'content-type': 'text/plain' } }),
      await ask(`POST ${routes}`, { body: '{', headers: { 'content-type': 'application/json' } }),
      await ask(`GET ${routes}`, { query: { limit: 0 } }),
      await ask('GET /_aegis/explain'),
      await ask('GET /api/admin/config/history/{version}', { path: { version: '999999' } }),
      await ask('GET /api/admin/login'),
      await ask('POST /api/admin/oauth/token', { body: { grant_type: 'password' } }),
      await ask('POST /api/admin/oauth/token', { key: null, body: { grant_type: 'client_credentials' } }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([
      401, 401, 403, 404, 409, 412, 415, 400, 422, 422, 404, 503, 400, 401,
    ]);
    expect(refused.flatMap(({ mismatch }) => mismatch ?? [])).toEqual([]);
  });
});

describe('bodies', () => {
  /** Each with what is wrong with it. */
  const wrong: readonly (readonly [string, unknown])[] = [
    ['POST /api/admin/routes', { path: '/x', upstream: 'files', timout: '5s' }],
    ['POST /api/admin/routes', { path: '/x', upstream: 'files', timeout: 'soon' }],
    ['POST /api/admin/routes', { path: '/x', upstream: 'files', priority: '${NUMBER}' }],
    ['POST /api/admin/routes', { path: ['/x'], upstream: 'files' }],
    ['POST /api/admin/routes', []],
    ['POST /api/admin/upstreams', { targets: ['http://127.0.0.1:1'] }],
    ['POST /api/admin/upstreams', { name: 'u', targets: [] }],
    ['POST /api/admin/upstreams', { name: 'u', targets: ['http://127.0.0.1:1'], balance: 'nobody-knows' }],
    ['POST /api/admin/consumers', { name: 'c', roles: 'user' }],
    ['POST /api/admin/consumers', { name: 'c', hmac: { keyId: 'k', secret: { file: '/etc/hostname' } } }],
    ['POST /api/admin/rate-limit-rules', { name: 'r', limit: 'many', window: '1m' }],
    ['POST /api/admin/ip-rules', { name: 'i', allow: '10.0.0.0/8' }],
    ['POST /api/admin/roles', { name: 'r', permissions: { read: true } }],
    ['POST /api/admin/alerts', { name: 'a', metric: 'weather', above: '5%' }],
    ['POST /api/admin/alerts', { name: 'a', metric: 'error-rate' }],
    ['PATCH /api/admin/routes/{name}', { timout: '5s' }],
    ['POST /api/admin/consumers/{name}/keys', { scope: ['read'] }],
    ['POST /api/admin/consumers/{name}/keys', { scopes: 'read' }],
    ['POST /api/admin/consumers/{name}/keys', { expiresIn: 'soon' }],
    ['POST /api/admin/config/rollback', {}],
    ['POST /api/admin/config/rollback', { version: '1' }],
    ['POST /api/admin/login', {}],
  ];

  it.each(wrong)('%s: %j is wrong, and refused', async (name, body) => {
    expect(api.bodyFits(name, body)).toBe(false);
    const path = { name: name.includes('consumers') ? 'keeper' : 'kept' };
    await ask('PUT /api/admin/consumers/{name}', { path: { name: 'keeper' }, body: {} });
    await ask('PUT /api/admin/routes/{name}', { path: { name: 'kept' }, body: { path: '/kept', upstream: 'files' } });
    const { status, mismatch } = await ask(name, { path, body });
    expect([status, mismatch]).toEqual([422, null]);
  });

  /** Beside the examples, which are made in the tests above. */
  const right: readonly (readonly [string, Record<string, unknown>])[] = [
    [
      'POST /api/admin/routes',
      {
        path: { exact: '/one' },
        methods: ['GET', 'POST'],
        upstream: [{ upstream: 'files', weight: 9 }, { upstream: 'builtin:demo' }],
        timeout: '2s',
        auth: { methods: ['api-key'], roles: ['user'] },
        cors: { origins: ['https://app.example.com'] },
        cache: null,
      },
    ],
    ['POST /api/admin/routes', { name: 'answer', path: '/answer', respond: { status: 204 }, source: 'api' }],
    [
      'POST /api/admin/upstreams',
      { name: 'many', targets: [{ url: 'https://a.example.com', weight: 3 }], health: { active: { path: '/up' } } },
    ],
    [
      'POST /api/admin/consumers',
      { name: 'signer', hmac: { keyId: 'k', secret: 'a secret of more than 32 bytes, surely' } },
    ],
    ['POST /api/admin/roles', { name: 'reader', permissions: ['read:*'], inherits: ['viewer'] }],
  ];

  it.each(right)('%s: %j is right, and taken', async (name, body) => {
    expect(api.bodyFits(name, body)).toBe(true);
    const { status, mismatch } = await ask(name, { body, query: { dryRun: true } });
    expect([status, mismatch]).toEqual([200, null]);
  });

  it('that the document has as examples fit', () => {
    const examples = api.operations.flatMap(({ name, operation }) => {
      const contents = Object.values(operation.requestBody?.content ?? {});
      return contents.filter(({ example }) => example !== undefined).map(({ example }) => [name, example] as const);
    });
    expect(examples.length).toBeGreaterThan(25);
    expect(examples.filter(([name, example]) => !api.bodyFits(name, example))).toEqual([]);
  });
});

describe('the page of the document', () => {
  const page = async (path: string, headers: Record<string, string>): Promise<Response> =>
    await fetch(`${gateway.url}/api/admin/docs${path}`, { headers });
  const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

  it('is shown to whoever has a credential, by a policy that lets nothing in from elsewhere', async () => {
    const answer = await page('', { ...BROWSER, 'x-api-key': VIEWER });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'/);
    const html = await answer.text();
    expect(html).not.toMatch(/https?:\/\//);
    const parts = [...html.matchAll(/(?:href|src)="\/api\/admin\/docs(\/[^"]+)"/g)].map(([, path = '']) => path);
    const loaded = await Promise.all(parts.map(async (path) => (await page(path, {})).status));
    expect(loaded).toEqual([200, 200]);
  });

  it('asks a browser without one for a key, and tells a program that it needs one', async () => {
    const [browser, program] = await Promise.all([page('', BROWSER), page('', { accept: '*/*' })]);
    expect([browser.status, program.status]).toEqual([401, 401]);
    expect(browser.headers.get('www-authenticate')).not.toBeNull();
    expect(browser.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const html = await browser.text();
    expect(html).toContain('id="sign-in"');
    expect(html).toContain('<p id="issuer" hidden>');
    expect(await program.json()).toMatchObject({ code: 'authentication_required' });
  });
});
