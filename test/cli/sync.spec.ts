import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { freePort, scratchFolder, type SpawnedGateway, spawnGateway } from '#testing';
import { aegis, type CliRun } from './run-cli.js';

// A test starts up to seven programs, one after the other, each of which takes two seconds on a busy machine.
jest.setTimeout(60_000);

/** A change each, one after the other. */
const LONG = 180_000;
const VIEWER = 'key-of-the-viewer';

const OWN = {
  gateway: { routes: [{ name: 'own', path: '/own', upstream: 'builtin:demo' }] },
  auth: {
    consumers: [
      {
        name: 'vera',
        roles: ['viewer'],
        apiKeys: [{ hash: `sha256:${createHash('sha256').update(VIEWER).digest('hex')}` }],
      },
    ],
  },
};

interface Route {
  readonly name: string;
  readonly path: string;
  readonly upstream: string;
  readonly timeout?: string;
}

function routes(n: number): Route[] {
  return Array.from({ length: n }, (_, i) => ({ name: `r${i}`, path: `/many/r${i}`, upstream: 'users' }));
}

/** One of everything that can be synced. */
function wanted(listed: readonly Route[]): object {
  return {
    gateway: {
      upstreams: [{ name: 'users', targets: ['http://127.0.0.1:3001', { url: 'http://127.0.0.1:3002', weight: 2 }] }],
      routes: listed,
      ip: { deny: ['203.0.113.0/24'] },
    },
    rateLimiting: { rules: [{ name: 'critical', path: '/many/*', limit: 10, window: '1m', key: ['ip'] }] },
    auth: {
      consumers: [{ name: 'mobile-app', roles: ['user'], plan: 'gold' }],
      rbac: { roles: { user: { permissions: ['read:things'] } } },
    },
    monitoring: { alerts: [{ name: 'slow', metric: 'latency-p95', above: '500ms', for: '2m' }] },
  };
}

describe('aegis sync, diff and export', () => {
  const folder = scratchFolder('sync');
  const file = join(folder, 'wanted.yaml');
  let gateway: SpawnedGateway;

  const on = async ({ url, adminKey }: SpawnedGateway, ...args: string[]): Promise<CliRun> =>
    await aegis(args, { env: { AEGIS_URL: url, AEGIS_ADMIN_KEY: adminKey } });
  const run = async (...args: string[]): Promise<CliRun> => await on(gateway, ...args);
  const want = (config: object): void => writeFileSync(file, JSON.stringify(config));

  beforeAll(async () => {
    gateway = await spawnGateway({ config: OWN });
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
  });

  it('has what a file says served, and has nothing to do the second time', async () => {
    want(wanted(routes(12)));
    const before = await run('diff', file);
    const first = await run('sync', file, '--yes');
    const second = await run('sync', file);
    const after = await run('diff', file);
    const status = await fetch(`${gateway.url}/many/r11`).then((answer) => answer.status);

    expect([before.code, first.code, second.code, after.code]).toEqual([1, 0, 0, 0]);
    expect(before.stdout).toContain('Plan: 18 to create, 0 to change, 0 to delete');
    expect(first.stdout).toContain('18 changes made');
    expect(second.stdout).toContain('runs what the file says');
    expect(status).toBe(502);
  });

  it('says field by field what would change, and changes it', async () => {
    want(wanted(routes(12).map((route) => (route.name === 'r7' ? { ...route, timeout: '5s' } : route))));
    const diff = await run('diff', file);
    const json = await run('diff', file, '--json');
    const synced = await run('sync', file, '--yes');
    const again = await run('diff', file);

    expect([diff.code, json.code, synced.code, again.code]).toEqual([1, 1, 0, 0]);
    expect(diff.stdout).toMatch(/^~ routes\/r7\n {4}timeout: \(nothing\) → "5s"$/m);
    expect(JSON.parse(json.stdout)).toMatchObject({
      changes: [{ action: 'change', kind: 'routes', name: 'r7', fields: [{ path: 'timeout', after: '5s' }] }],
      blocked: [],
      kept: [],
    });
  });

  it('deletes only when told to, and changes nothing when nobody can be asked', async () => {
    want(wanted(routes(10)));
    const kept = await run('sync', file, '--yes');
    const unasked = await run('sync', file, '--prune');
    const still = await run('diff', file, '--prune');
    const pruned = await run('sync', file, '--prune', '--yes');
    const after = await run('diff', file, '--prune');

    expect([kept.code, unasked.code, still.code, pruned.code, after.code]).toEqual([0, 2, 1, 0, 0]);
    expect(kept.stdout).toContain('staying (--prune deletes): routes/r10, routes/r11');
    expect(unasked.stderr).toContain('--yes');
    expect(pruned.stdout).toMatch(/- routes\/r10\n- routes\/r11\n\nPlan: 0 to create, 0 to change, 2 to delete/);
  });

  it('tells programs what would change and whether it was done, and never asks them', async () => {
    want(wanted(routes(11)));
    const unasked = await run('sync', file, '--json');
    const done = await run('sync', file, '--yes', '--json');
    const again = await run('sync', file, '--yes', '--json');
    want(wanted(routes(10)));
    await run('consumers', 'create', 'gone');
    const words = await run('diff', file, '--prune');
    const pruned = await run('sync', file, '--prune', '--yes', '--json');

    expect([unasked.code, done.code, again.code, pruned.code]).toEqual([2, 0, 0, 0]);
    expect(JSON.parse(unasked.stdout)).toMatchObject({ changes: [{ action: 'create', name: 'r10' }], applied: false });
    expect(JSON.parse(done.stdout)).toMatchObject({ changes: [{ name: 'r10' }], applied: true });
    expect(JSON.parse(again.stdout)).toEqual({ changes: [], blocked: [], kept: [], applied: false });
    expect(words.stdout).toContain('- consumers/gone, and its keys\n');
    expect(JSON.parse(pruned.stdout)).toMatchObject({
      changes: expect.arrayContaining([expect.objectContaining({ action: 'delete', name: 'r10' })]),
      applied: true,
    });
  });

  it('does not change what the file of the gateway declares', async () => {
    const other = { name: 'own', path: '/elsewhere', upstream: 'users' };
    want(wanted([...routes(10), other]));
    const synced = await run('sync', file, '--yes');
    const pruned = await run('diff', file, '--prune');

    expect([synced.code, pruned.code]).toEqual([1, 1]);
    expect(synced.stdout).toContain('! routes/own is declared in the gateway’s own file');
  });

  it('exports what a fresh instance can be given, without a difference', async () => {
    const literal = { path: '/literal', respond: { status: 200, body: 'not from here: ${HOME} $${B}' } };
    const headers = { 'x-api-key': gateway.adminKey, 'content-type': 'application/json' };
    const body = JSON.stringify(literal);
    await fetch(`${gateway.url}/api/admin/routes/literal`, { method: 'PUT', headers, body });
    const exported = await run('export');
    const copy = join(folder, 'exported.yaml');
    writeFileSync(copy, exported.stdout);
    const fresh = await spawnGateway({ config: { gateway: { routes: [] } } });
    try {
      const synced = await on(fresh, 'sync', copy, '--yes', '--prune');
      const diff = await on(fresh, 'diff', copy, '--prune');
      const back = await run('diff', copy, '--prune');

      expect([exported.code, synced.code, diff.code, back.code]).toEqual([0, 0, 0, 0]);
      expect(synced.stdout).toContain('routes/own');
    } finally {
      await fresh.stop();
    }
  });

  it('says in one line what is in the way', async () => {
    const wrong = join(folder, 'wrong.yaml');
    writeFileSync(wrong, 'gateway: { rotes: [] }');
    want(wanted([{ name: 'not-for-viewers', path: '/not-for-viewers', upstream: 'users' }]));
    const viewer = ['--url', gateway.url, '--key', VIEWER];
    const [mistakes, absent, nobody, notAllowed, mayLook] = await Promise.all([
      run('diff', wrong),
      run('sync', join(folder, 'absent.yaml')),
      aegis(['diff', file, '--url', `http://127.0.0.1:${await freePort()}`, '--key', 'k']),
      aegis(['sync', file, '--yes', ...viewer]),
      aegis(['diff', file, ...viewer]),
    ]);

    expect([mistakes.code, absent.code, nobody.code, notAllowed.code, mayLook.code]).toEqual([1, 1, 3, 1, 1]);
    expect(absent.stderr).toMatch(/absent\.yaml does not exist[^]*name the file with what is wanted/);
    expect(absent.stderr).not.toContain('--config');
    expect(mistakes.stderr).toContain('unknown key "rotes"');
    expect(nobody.stderr).toContain('nothing listens there');
    expect(notAllowed.stderr).toContain('Missing permission: "write:routes"');
  });

  it(
    'has 500 routes served, and has nothing to do the second time',
    async () => {
      want(wanted(routes(500)));
      const first = await run('sync', file, '--yes');
      const second = await run('sync', file);
      const after = await run('diff', file);

      expect([first.code, second.code, after.code]).toEqual([0, 0, 0]);
      expect(first.stdout).toContain('490 changes made');
      expect(second.stdout).toContain('runs what the file says');
    },
    LONG,
  );
});
