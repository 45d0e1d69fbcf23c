import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type SpawnedGateway, spawnGateway, within } from '#testing';
import { aegis, type CliRun } from './run-cli.js';

// A test starts up to nine programs, one after the other, each of which takes two seconds on a busy machine.
jest.setTimeout(60_000);

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
  }, 60_000);

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
    let status = 200;
    await within(3_000, async () => (status = await statusWith(secret)) !== 200);

    expect([made.code, key.code, opened, listed.code, revoked.code, status]).toEqual([0, 0, 200, 0, 0, 401]);
    expect(made.stdout).toContain('aegis keys create --consumer mobile-app');
    expect(listed.stdout).toContain('phone');
    expect(listed.stdout).not.toContain(secret);
  });

  it('puts a key in place of another, and both work for the overlap', async () => {
    await run('consumers', 'create', 'rotating');
    const first = await run('keys', 'create', '--consumer', 'rotating');
    const [{ id = '' } = {}] = (
      JSON.parse((await run('keys', 'list', '--consumer', 'rotating', '--json')).stdout) as { items: { id?: string }[] }
    ).items;
    const rotated = await run('keys', 'rotate', id, '--consumer', 'rotating', '--overlap', '1h', '--expires', '90d');
    const again = await run('keys', 'rotate', id, '--consumer', 'rotating');
    const wrong = await run('keys', 'rotate', id, '--consumer', 'rotatin');
    const listed = await run('keys', 'list', '--consumer', 'rotating', '--json');

    expect([first.code, rotated.code, wrong.code]).toEqual([0, 0, 1]);
    expect(rotated.stdout).toMatch(/^aegis_[0-9a-f]{40}\n$/);
    expect(rotated.stderr).toMatch(/It expires at \d{4}-\d\d-\d\dT\S+Z\. The old one works for 1h\./);
    expect(again.stderr).toContain('It does not expire. The old one works for a day.');
    expect(wrong.stderr.trim()).toBe('There is no consumer "rotatin". Did you mean rotating?');
    expect(await Promise.all([first, rotated].map(({ stdout }) => statusWith(stdout.trim())))).toEqual([200, 200]);
    const { items } = JSON.parse(listed.stdout) as { items: { expiresAt: string | null }[] };
    expect(items.map(({ expiresAt }) => typeof expiresAt)).toEqual(['string', 'string', 'object']);
  });

  it('says to programs what it did', async () => {
    await run('consumers', 'create', 'short-lived');
    const made = JSON.parse((await run('keys', 'create', '--consumer', 'short-lived', '--json')).stdout) as {
      id: string;
    };
    const revoked = await run('keys', 'revoke', made.id, '--consumer', 'short-lived', '--json');
    const deleted = await run('consumers', 'delete', 'short-lived', '--json');
    const reloaded = await run('reload', '--json');
    const exported = await run('export', '--json');

    expect(JSON.parse(revoked.stdout)).toEqual({ consumer: 'short-lived', id: made.id, revoked: true });
    expect(JSON.parse(deleted.stdout)).toEqual({ name: 'short-lived', deleted: true });
    expect(JSON.parse(reloaded.stdout)).toMatchObject({ version: expect.any(Number) });
    expect(JSON.parse(exported.stdout)).toMatchObject({ gateway: { routes: [{ name: 'closed' }] } });
  });

  it('says what to do about a key that is unknown or may not do it', async () => {
    await run('consumers', 'create', 'looking', '--role', 'viewer');
    const key = (await run('keys', 'create', '--consumer', 'looking')).stdout.trim();
    const [unknown, viewer] = await Promise.all([
      run('consumers', 'list', '--key', 'wrong'),
      run('consumers', 'create', 'x', '--key', key),
    ]);

    expect([unknown.code, viewer.code]).toEqual([1, 1]);
    expect(unknown.stderr).toContain('aegis keys create --admin');
    expect(viewer.stderr).toContain('Missing permission: "write:consumers".\nThe roles of this key do not grant it');
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

  it('shows who is signed in, and signs them out', async () => {
    await run('consumers', 'create', 'visitor', '--role', 'viewer');
    const key = (await run('keys', 'create', '--consumer', 'visitor')).stdout.trim();
    const sign = async (): Promise<string> => {
      const body = new URLSearchParams({ key });
      const answer = await fetch(`${gateway.url}/api/admin/login`, { method: 'POST', body });
      return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
    };
    const cookies = [await sign(), await sign(), await sign()];
    const listed = await run('sessions', 'list', '--consumer', 'visitor');
    const { items } = JSON.parse((await run('sessions', 'list', '--consumer', 'visitor', '--json')).stdout) as {
      items: { id: string; consumer: string; kind: string }[];
    };
    const one = await run('sessions', 'end', items[0]?.id ?? '');
    const again = await run('sessions', 'end', items[0]?.id ?? '');
    const rest = await run('sessions', 'end', '--consumer', 'visitor', '--json');
    const unsaid = await run('sessions', 'end');
    const statuses = async (): Promise<number[]> =>
      await Promise.all(
        cookies.map(async (cookie) => (await fetch(`${gateway.url}/api/admin/me`, { headers: { cookie } })).status),
      );
    await within(3_000, async () => !(await statuses()).includes(200));

    expect(listed.stdout).toContain('3 sessions');
    expect(listed.stdout).toMatch(/visitor +browser, by key +.*  *in 1[12] h/);
    expect(items.map(({ consumer, kind }) => [consumer, kind])).toEqual(Array(3).fill(['visitor', 'browser']));
    expect([one.code, again.code, rest.code, unsaid.code]).toEqual([0, 1, 0, 2]);
    expect(JSON.parse(rest.stdout)).toEqual({ ended: 2 });
    expect(unsaid.stderr).toContain('--consumer NAME or --user SUBJECT');
    expect(await statuses()).toEqual([401, 401, 401]);
  });
});
