import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type RecordingUpstream, type SpawnedGateway, spawnGateway, startUpstream } from '#testing';

const SLOW = 180_000;
let upstream: RecordingUpstream;
let gateway: SpawnedGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await spawnGateway({
    config: { gateway: { routes: [{ name: 'busy', path: '/busy', upstream: upstream.url }] } },
  });
}, SLOW);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

/** Half a megabyte, all of it right. */
const LARGE = `gateway:\n  routes:\n${Array.from(
  { length: 4000 },
  (_, i) =>
    `    - name: route-${i}\n      path: /api/v1/things-${i}\n      upstream: http://127.0.0.1:1\n      methods: [GET, POST]\n`,
).join('')}`;

async function send(method: string, path: string, key: string, body: string): Promise<Response> {
  const headers = { 'x-api-key': key, 'content-type': 'application/yaml' };
  return await fetch(`${gateway.url}/api/admin/${path}`, { method, headers, body });
}

it(
  'a large document of a viewer is examined while others are answered',
  async () => {
    const made = await fetch(`${gateway.url}/api/admin/consumers`, {
      method: 'POST',
      headers: { 'x-api-key': gateway.adminKey, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'viewer', roles: ['viewer'] }),
    });
    expect(made.status).toBe(201);
    const keys = `${gateway.url}/api/admin/consumers/viewer/keys`;
    const answer = await fetch(keys, { method: 'POST', headers: { 'x-api-key': gateway.adminKey } });
    const { key } = (await answer.json()) as { key: string };

    let isExamined = false;
    const examined = send('POST', 'config/validate', key, LARGE).finally(() => (isExamined = true));
    // That the loop has its turns all the while is shown in examiner.spec.ts, where they can be counted.
    while (!isExamined) expect((await fetch(`${gateway.url}/busy`)).status).toBe(200);
    const validated = await examined;
    expect(validated.status).toBe(200);
    const plan = (await validated.json()) as Record<string, unknown>;
    expect(plan).toMatchObject({ valid: true, dryRun: true, updated: [], deleted: ['consumers/viewer'], unchanged: 0 });
    expect(plan['created']).toHaveLength(4000);
  },
  SLOW,
);

it(
  'documents of one caller wait for each other, and those beyond four are sent away',
  async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, async () => await send('PUT', 'config?dryRun=true', gateway.adminKey, LARGE)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 429, 429]);
    const away = answers.find(({ status }) => status === 429);
    expect(away?.headers.get('retry-after')).toBe('5');
    expect(((await away?.json()) as { detail: string }).detail).toBe(
      '4 documents of yours are being examined: wait for an answer.',
    );
  },
  SLOW,
);

it('a document in another character set is refused', async () => {
  const answer = await fetch(`${gateway.url}/api/admin/config/validate`, {
    method: 'POST',
    headers: { 'x-api-key': gateway.adminKey, 'content-type': 'application/yaml; charset=iso-8859-1' },
    body: 'gateway: { routes: [] }',
  });
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([415, 'unsupported_media_type']);
});
