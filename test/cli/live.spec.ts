import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Child,
  freePort,
  type RecordingUpstream,
  scratchFolder,
  type SpawnedGateway,
  spawnGateway,
  startUpstream,
} from '#testing';
import { aegis, type CliRun, ENTRY } from './run-cli.js';

const CONFIG = `gateway:
  routes:
    - { name: demo, path: /demo, upstream: builtin:demo }
    - { name: beta, path: /demo, upstream: builtin:demo, headers: { version: two } }
`;

describe('aegis beside a running gateway', () => {
  let gateway: SpawnedGateway;
  const live = (...args: string[]): Promise<CliRun> =>
    aegis(args, { env: { AEGIS_URL: gateway.url, AEGIS_ADMIN_KEY: gateway.adminKey } });

  beforeAll(async () => {
    gateway = await spawnGateway({ config: CONFIG });
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
  });

  it('tells its status, to people and to programs', async () => {
    const [words, json] = await Promise.all([live('status'), live('status', '--json')]);

    expect([words.code, json.code]).toEqual([0, 0]);
    expect(words.stdout).toContain(`at ${gateway.url} is healthy`);
    expect(words.stdout).toMatch(/postgres +embedded/);
    expect(words.stdout).toContain('2 routes, 1 upstream');
    expect(words.stdout).toContain(`pid ${gateway.pid}`);
    expect(JSON.parse(json.stdout)).toMatchObject({ pid: gateway.pid, config: { routes: 2 } });
  });

  it('lists and explains the routes that are served', async () => {
    const [list, match, none] = await Promise.all([
      live('routes', '--live'),
      live('routes', '--live', '--match', '/demo/hello', '-H', 'version: two'),
      live('routes', '--live', '--match', 'GET http://h/nothing', '--json'),
    ]);

    expect([list.code, match.code, none.code]).toEqual([0, 0, 1]);
    expect(list.stdout).toMatch(/^2 routes[^]*beta[^]*demo/);
    expect(match.stdout).toContain('→ route beta');
    expect(JSON.parse(none.stdout)).toMatchObject({ outcome: 'not_found', route: null });
  });

  it('has a changed file served, and names the mistakes of a wrong one', async () => {
    writeFileSync(gateway.configFile, CONFIG.replace('name: beta', 'name: gamma'));
    const changed = await live('reload');
    const list = await live('routes', '--live');
    writeFileSync(gateway.configFile, readFileSync('test/cli/ten-mistakes.yaml', 'utf8'));
    const wrong = await live('reload');
    const status = await live('status');
    writeFileSync(gateway.configFile, CONFIG);
    const again = await live('reload');

    expect([changed.code, wrong.code, status.code, again.code]).toEqual([0, 1, 0, 0]);
    expect(changed.stdout).toMatch(/Configuration \d+ is served/);
    expect(list.stdout).toContain('gamma');
    expect(wrong.stderr).toMatch(/aegis\.config\.yaml:2:3: gateway\.prot: unknown key/);
    expect(wrong.stderr.trim().split('\n')).toHaveLength(11);
    expect(status.stdout).toContain('was refused');
    expect(status.stdout).toContain('gateway.prot');
  });

  it('makes an admin key on the same machine, which the gateway takes at once', async () => {
    const place = ['--config', gateway.configFile, '--data-dir', join(dirname(gateway.configFile), 'data')];
    const created = await aegis(['keys', 'create', '--admin', '--name', 'test', ...place]);
    const key = created.stdout.trim();
    const status = await aegis(['status', '--url', gateway.url, '--key', key]);

    expect([created.code, status.code]).toEqual([0, 0]);
    expect(key).toMatch(/^aegis_admin_[0-9a-f]{40}$/);
    expect(created.stderr).toContain('not shown again');
  });

  it('finds the database of the gateway up to date', async () => {
    const place = ['--config', gateway.configFile, '--data-dir', join(dirname(gateway.configFile), 'data')];
    const { code, stdout } = await aegis(['migrate', ...place]);

    expect(code).toBe(0);
    expect(stdout).toContain('up to date already');
  });

  it('exits with 1 when the key is refused', async () => {
    const { code, stderr } = await aegis(['status', '--url', gateway.url, '--key', 'not-the-admin-key']);

    expect(code).toBe(1);
    expect(stderr).toContain('The API key is unknown, expired or revoked');
  });
});

describe('aegis beside something else', () => {
  let other: RecordingUpstream;

  beforeAll(async () => {
    other = await startUpstream((_, res) => res.end('<html></html>'));
  });

  afterAll(async () => {
    await other.stop();
  });

  it('exits with 3 and says that this is not Aegis', async () => {
    const { code, stderr } = await aegis(['status', '--url', other.url, '--key', 'k']);

    expect(code).toBe(3);
    expect(stderr).toContain('is not the admin API of Aegis');
  });
});

describe('aegis start', () => {
  it('is the gateway, drains on SIGTERM, and tells of admin.port when asked on the other', async () => {
    const folder = scratchFolder('start');
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const config = join(folder, 'aegis.config.yaml');
    writeFileSync(config, `${CONFIG}admin: { port: 0 }\n`);
    const started = new Child(
      process.execPath,
      [ENTRY, 'start', '--config', config, '--data-dir', join(folder, 'data')],
      { PATH: process.env['PATH'], PORT: String(port), AEGIS_ADMIN_KEY: 'admin-key-of-this-test' },
      folder,
    );
    await started.saysOnStdout('"ready"');
    const answer = await fetch(`${url}/demo/hello`);
    const status = await aegis(['status', '--url', url, '--key', 'admin-key-of-this-test']);
    const ended = await started.end('SIGTERM');

    expect(answer.status).toBe(200);
    expect(status.code).toBe(3);
    expect(status.stderr).toContain('With admin.port set');
    expect(ended).toEqual({ code: 0, signal: null });
  });
});
