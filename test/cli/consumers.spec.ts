import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SpawnedGateway, spawnGateway } from '#testing';
import { aegis, type CliRun } from './run-cli.js';

describe('aegis consumers and keys', () => {
  let gateway: SpawnedGateway;

  const run = async (...args: string[]): Promise<CliRun> =>
    await aegis(args, { env: { AEGIS_URL: gateway.url, AEGIS_ADMIN_KEY: gateway.adminKey } });
  const statusWith = async (key: string): Promise<number> =>
    (await fetch(`${gateway.url}/closed`, { headers: { 'x-api-key': key } })).status;

  beforeAll(async () => {
    gateway = await spawnGateway({
      config: {
        gateway: { routes: [{ name: 'closed', path: '/closed', respond: { status: 200 }, auth: 'required' }] },
      },
    });
  });

  afterAll(async () => {
    await gateway.stop();
  });

  it('makes a consumer and a key for it, which opens until it is revoked', async () => {
    const made = await run('consumers', 'create', 'mobile-app', '--role', 'user', '--plan', 'gold');
    const key = await run('keys', 'create', '--consumer', 'mobile-app', '--name', 'phone', '--json');
    const { id, key: secret } = JSON.parse(key.stdout) as { id: string; key: string };
    const opened = await statusWith(secret);
    const listed = await run('keys', 'list', '--consumer', 'mobile-app');
    const revoked = await run('keys', 'revoke', id, '--consumer', 'mobile-app');
    const deadline = Date.now() + 3_000;
    let status = 200;
    while (status === 200 && Date.now() < deadline) status = await statusWith(secret);

    expect([made.code, key.code, opened, listed.code, revoked.code, status]).toEqual([0, 0, 200, 0, 0, 401]);
    expect(made.stdout).toContain('aegis keys create --consumer mobile-app');
    expect(listed.stdout).toContain('phone');
    expect(listed.stdout).not.toContain(secret);
  });

  it('lists, shows and deletes consumers', async () => {
    await run('consumers', 'create', 'partner');
    const list = await run('consumers', 'list');
    const shown = await run('consumers', 'show', 'partner', '--json');
    const gone = await run('consumers', 'delete', 'partner');
    const missing = await run('consumers', 'show', 'partner');

    expect([list.code, shown.code, gone.code, missing.code]).toEqual([0, 0, 0, 1]);
    expect(list.stdout).toMatch(/partner/);
    expect(JSON.parse(shown.stdout)).toMatchObject({ name: 'partner', source: 'api' });
    expect(missing.stderr.trim()).toBe('There is no consumer "partner".');
  });

  it('asks whose key is meant', async () => {
    const [neither, both] = await Promise.all([
      run('keys', 'create'),
      run('keys', 'create', '--admin', '--consumer', 'mobile-app'),
    ]);
    expect([neither.code, both.code]).toEqual([2, 2]);
    expect(neither.stderr).toContain('Say whose key');
  });

  it('writes a key of the administrator into the audit log', async () => {
    const place = ['--config', gateway.configFile, '--data-dir', join(dirname(gateway.configFile), 'data')];
    const { code, stdout } = await aegis(['keys', 'create', '--admin', '--name', 'recovery', ...place]);
    const answer = await fetch(`${gateway.url}/api/admin/audit?entity=consumers/admin`, {
      headers: { 'x-api-key': stdout.trim() },
    });

    expect(code).toBe(0);
    expect(await answer.json()).toMatchObject({
      items: [{ operation: 'aegis keys create --admin', after: { name: 'recovery' }, outcome: 'done' }],
    });
  });
});
