import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashPassword } from '#auth';
import { type RecordingUpstream, scratchFolder, type SpawnedGateway, spawnGateway, startUpstream } from '#testing';
import { aegis, type CliRun } from './run-cli.js';

const SECRETS = ['Bearer the-first-secret', 'Bearer the-second-secret'] as const;
const SHARED = 'shared-with-the-partner-0123456789abcdef';

describe('secrets in what is synced', () => {
  const folder = scratchFolder('sync-secrets');
  const file = join(folder, 'wanted.yaml');
  let upstream: RecordingUpstream;
  let gateway: SpawnedGateway;

  const on = async ({ url, adminKey }: SpawnedGateway, ...args: string[]): Promise<CliRun> =>
    await aegis(args, { env: { AEGIS_URL: url, AEGIS_ADMIN_KEY: adminKey, SHARED } });
  const run = async (...args: string[]): Promise<CliRun> => await on(gateway, ...args);
  let password: string;

  const want = (authorization: string, more: object = {}): void =>
    writeFileSync(
      file,
      JSON.stringify({
        gateway: {
          routes: [
            {
              name: 'kept',
              path: '/kept',
              upstream: upstream.url,
              request: { headers: { set: { authorization } } },
              ...more,
            },
          ],
        },
        auth: {
          consumers: [{ name: 'partner', basic: [{ hash: password }], hmac: [{ keyId: 'p', secret: '${SHARED}' }] }],
        },
      }),
    );
  const sent = async (): Promise<string | undefined> => {
    await fetch(`${gateway.url}/kept`);
    return upstream.requests.at(-1)?.headers.authorization;
  };
  const newest = async (): Promise<{ version: number; changes: object[] }> => {
    const headers = { 'x-api-key': gateway.adminKey };
    const answer = await fetch(`${gateway.url}/api/admin/config/history?limit=1`, { headers });
    return ((await answer.json()) as { items: { version: number; changes: object[] }[] }).items[0]!;
  };

  beforeAll(async () => {
    password = await hashPassword('pass');
    upstream = await startUpstream();
    gateway = await spawnGateway({ config: { gateway: { routes: [] } } });
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  it('arrive as they are, all in one version, and are the same the second time', async () => {
    want(SECRETS[0]);
    const first = await run('sync', file, '--yes');
    const second = await run('diff', file);
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(await newest()).toMatchObject({ changes: [{}, {}] });
    expect(await sent()).toBe(SECRETS[0]);
  });

  it('that are others are seen, without being shown, and changed', async () => {
    want(SECRETS[1]);
    const diff = await run('diff', file);
    const synced = await run('sync', file, '--yes');
    const again = await run('diff', file);
    expect([diff.code, synced.code, again.code]).toEqual([1, 0, 0]);
    expect(diff.stdout).toContain('~ routes/kept\n    a secret is another');
    expect(diff.stdout + synced.stdout).not.toMatch(/the-(first|second)-secret/);
    expect(await sent()).toBe(SECRETS[1]);
  });

  it('stay when they come back masked, beside what is changed', async () => {
    const exported = await run('export');
    const copy = join(folder, 'exported.yaml');
    writeFileSync(copy, exported.stdout.replace('path: /kept', 'path: /kept\n      timeout: 7s'));
    const synced = await run('sync', copy, '--yes', '--prune');
    expect(exported.stdout).not.toContain(SHARED);
    expect(synced.stdout).toContain('~ routes/kept');
    expect(synced.code).toBe(0);
    expect(await sent()).toBe(SECRETS[1]);
    const config = await fetch(`${gateway.url}/api/admin/config?format=yaml`, {
      headers: { 'x-api-key': gateway.adminKey },
    });
    const put = await fetch(`${gateway.url}/api/admin/config`, {
      method: 'PUT',
      headers: { 'x-api-key': gateway.adminKey, 'content-type': 'application/yaml' },
      body: (await config.text()).replace('name: partner', 'name: partner\n      plan: gold'),
    });
    expect([put.status, await put.json()]).toMatchObject([200, { updated: ['consumers/partner'] }]);
    want(SECRETS[1], { timeout: '7s' });
    expect((await run('diff', file)).stdout).toMatch(
      /^~ consumers\/partner\n {4}plan: "gold" → \(nothing\)\n\nPlan: 0 to create, 1 to change/,
    );
  });

  it('that were masked are refused where nobody knows them, with their place', async () => {
    const copy = join(folder, 'exported.yaml');
    writeFileSync(copy, (await run('export')).stdout);
    const fresh = await spawnGateway({ config: { gateway: { routes: [] } } });
    try {
      const synced = await on(fresh, 'sync', copy, '--yes');
      const checked = await aegis(['check', copy]);
      expect([synced.code, checked.code]).toEqual([1, 1]);
      for (const { stdout, stderr } of [synced, checked]) {
        expect(stdout + stderr).toContain('(masked) stands for a secret that is not shown: write the secret itself');
        expect(stdout + stderr).toContain('request.headers.set.authorization');
      }
      expect((await fetch(`${fresh.url}/kept`)).status).toBe(404);
    } finally {
      await fresh.stop();
    }
  });

  it('and all the rest are there or nothing is, when the gateway refuses one of them', async () => {
    const { version } = await newest();
    const broken = join(folder, 'broken.yaml');
    const user = [{ username: 'partner', hash: password }];
    const routes = [{ name: 'good', path: '/good', upstream: upstream.url }];
    writeFileSync(
      broken,
      JSON.stringify({ gateway: { routes }, auth: { consumers: [{ name: 'twin', basic: user }] } }),
    );
    const synced = await run('sync', broken, '--yes');
    expect(synced.code).toBe(1);
    expect(synced.stderr).toContain('the user "partner" belongs to partner already');
    expect((await newest()).version).toBe(version);
  });
});
