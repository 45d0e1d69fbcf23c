import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { scratchFolder } from '#testing';
import { aegis, ROOT, run } from './run-cli.js';

const COMMANDS = [
  'start',
  'status',
  'reload',
  'limits',
  'check',
  'routes',
  'encrypt',
  'hash',
  'migrate',
  'keys create',
  'token',
  'version',
];

describe('aegis', () => {
  it('shows all commands with examples and exit codes when called alone', async () => {
    const { code, stdout } = await aegis([]);

    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain('Exit codes: 0 fine');
  });

  it('explains each of them', async () => {
    const runs = await Promise.all(COMMANDS.map((command) => aegis([...command.split(' '), '--help'])));

    for (const [i, { code, stdout }] of runs.entries()) {
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: aegis ${COMMANDS[i]!}`);
    }
  });

  it('suggests the command or option that was probably meant, and exits with 2', async () => {
    const [command, option] = await Promise.all([aegis(['chek']), aegis(['status', '--jsn'])]);

    expect([command.code, option.code]).toEqual([2, 2]);
    expect(command.stderr).toContain("unknown command 'chek' (Did you mean check?)");
    expect(option.stderr).toContain("unknown option '--jsn' (Did you mean --json?)");
    expect(command.stdout + option.stdout).toBe('');
  });

  it.each([
    [['status', '--jsn', '--json'], 2, 'usage', "unknown option '--jsn'"],
    [['chek', '--json'], 2, 'usage', "unknown command 'chek'"],
    [['keys', '--json'], 2, 'usage', "unknown option '--json'"],
    [['status', '--json'], 2, 'usage', 'AEGIS_ADMIN_KEY'],
    [['routes', '--json', '--config', 'nowhere.yaml'], 1, 'invalid_configuration', 'does not exist'],
    [['status', '--json', '--url', 'http://127.0.0.1:1', '--key', 'k'], 3, 'unreachable', 'No gateway at'],
  ])('tells programs in JSON what is wrong with %j', async (args, exit, errorCode, said) => {
    const { code, stderr, stdout } = await aegis(args);

    expect([code, stdout]).toEqual([exit, '']);
    const told = JSON.parse(stderr) as { error: { message: string; errors?: object[] } };
    expect(told).toMatchObject({ error: { code: errorCode, exit, message: expect.stringContaining(said) as unknown } });
    expect(stderr.trimEnd()).not.toContain('\n');
    if (errorCode === 'invalid_configuration') expect(told.error.errors).toHaveLength(1);
  });

  it.each([
    [['routes', '--match', 'nonsense'], /--match takes a method and a URL/],
    [['routes', '--match', '/', '-H', 'nonsense'], /-H takes 'name: value'/],
    [['routes', '-H', 'a: b'], /say which one with --match/],
    [['status'], /AEGIS_ADMIN_KEY/],
    [['status', '--url', 'localhost:8080', '--key', 'k'], /--url takes the address/],
    [['keys', 'create'], /--admin/],
    [['encrypt'], /AEGIS_SECRET_KEY is not set/],
    [['check', 'a', 'b'], /too many arguments/],
  ])('exits with 2 for %j', async (args, said) => {
    const { code, stderr, stdout } = await aegis(args);

    expect(code).toBe(2);
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stdout).toBe('');
  });

  it('exits with 3 when no gateway answers, and says what to do', async () => {
    const { code, stderr } = await aegis(['status', '--url', 'http://127.0.0.1:1', '--key', 'k']);

    expect(code).toBe(3);
    expect(stderr).toContain('No gateway at http://127.0.0.1:1');
    expect(stderr).toContain('--url');
  });

  it('says so where the certificate is not trusted, or TLS is wanted', async () => {
    const folder = scratchFolder('cli-tls');
    const [key, cert] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
    const options = ['-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', cert];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', ...options], {
      stdio: 'ignore',
    });
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }).listen(0, 'localhost');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [unknown, plain] = await Promise.all(
      ['https', 'http'].map((scheme) => aegis(['status', '--url', `${scheme}://localhost:${port}`, '--key', 'k'])),
    );
    server.close();

    expect([unknown?.code, plain?.code]).toEqual([3, 3]);
    expect(unknown?.stderr).toContain('NODE_EXTRA_CA_CERTS');
    expect(plain?.stderr).toContain(`Does it want TLS (--url https://localhost:${port})?`);
  });

  it('says its version, to programs too', async () => {
    const [words, short, json] = await Promise.all([
      aegis(['version']),
      aegis(['--version']),
      aegis(['version', '--json']),
    ]);

    const { version } = JSON.parse(json.stdout) as { version: string };
    expect(words.stdout).toContain(`aegis ${version} (Node `);
    expect(short.stdout.trim()).toBe(version);
  });

  it('is what package.json installs as aegis', async () => {
    const { code, stdout } = await run(process.execPath, [`${ROOT}bin/aegis.mjs`, 'version']);

    expect(code).toBe(0);
    expect(stdout).toContain('aegis ');
  });
});
