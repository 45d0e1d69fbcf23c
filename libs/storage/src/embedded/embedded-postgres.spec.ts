import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { scratchFolder } from '#testing';
import { type StorageLog } from '../storage-error.js';
import { canEnter } from './account.js';
import { EmbeddedPostgres, runningUrl } from './embedded-postgres.js';
import { Leash } from './leash.js';
import { startOf } from './process-table.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const NOBODY = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;

const said: string[] = [];
const log: StorageLog = { debug: ignore, info: note, warn: note, error: note };
const folders: string[] = [];
const running: EmbeddedPostgres[] = [];

/** One database for all tests that only need some database: to make one takes a second or two. */
let shared = '';

beforeAll(async () => {
  shared = join(folder(), 'a folder with "quotes", and spaces', 'postgres');
  await (await start(shared)).stop();
}, 60_000);

afterEach(async () => {
  said.length = 0;
  await Promise.all(running.splice(0).map(async (server) => await server.stop()));
});

afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true, force: true, maxRetries: 20 });
});

describe('the embedded PostgreSQL', () => {
  it('serves a folder with spaces and quotes in its name, and keeps what was written over a restart', async () => {
    const first = await start(shared);
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await start(shared);
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    await query(second.url, 'DROP TABLE kept');
  });

  it('keeps its files to its owner and never gives Aegis a superuser', async () => {
    const server = await start(shared);
    expect(statSync(join(shared, 'cluster')).mode & 0o777).toBe(0o700);
    expect(statSync(join(shared, 'cluster', 'aegis.password')).mode & 0o777).toBe(0o600);
    expect(await query(server.url, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toEqual([
      { rolsuper: false },
    ]);
  });

  it('lets nobody in without the password', async () => {
    const server = await start(shared);
    const url = new URL(server.url);
    url.password = 'guessed';
    await expect(query(url.toString(), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    url.username = 'postgres';
    await expect(query(url.toString(), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('sorts by code point and knows upper case beyond ASCII, on every machine', async () => {
    const server = await start(shared);
    expect(await query(server.url, `SELECT upper('éa') AS up, 'Z' < 'a' AS by_code_point`)).toEqual([
      { up: 'ÉA', by_code_point: true },
    ]);
  });

  it('refuses a folder that another Aegis uses, and names its pid', async () => {
    await start(shared);
    await expect(EmbeddedPostgres.start({ dataDir: shared, log })).rejects.toThrow(
      `another Aegis uses this data directory (pid ${process.pid})`,
    );
  });

  it('tells a command beside the gateway where the server is', async () => {
    expect(runningUrl(shared)).toBeUndefined();
    const server = await start(shared);
    expect(runningUrl(shared)).toBe(server.url);
  });

  it('comes back by itself, at the same address, when it is killed', async () => {
    const server = await start(shared);
    const { url, pid } = server;
    process.kill(pid, 'SIGKILL');
    await until(async () => (await query(url, 'SELECT 1').catch(() => [])).length === 1);
    expect(server.pid).not.toBe(pid);
    expect(said.join('\n')).toContain('ended unexpectedly');
  });

  it('uses a short folder for the socket when the path of the data is too long for one', async () => {
    const long = join(folder(), 'x'.repeat(120), 'postgres');
    const server = await start(long);
    expect(new URL(server.url).searchParams.get('host')?.length).toBeLessThan(90);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('listens on the loopback interface where no socket can be had', async () => {
    const long = join(folder(), 'x'.repeat(120), 'postgres');
    const first = await start(long);
    const socketFolder = new URL(first.url).searchParams.get('host') ?? '';
    await first.stop();
    // Somebody else was quicker with the name.
    writeFileSync(socketFolder, '');
    const server = await start(long);
    expect(new URL(server.url).host).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    rmSync(socketFolder);
  });
});

describe('after a stop that was none', () => {
  it('recovers when gateway and server were both killed', async () => {
    const holder = await hold(shared);
    await query(holder.url, 'CREATE TABLE committed AS SELECT 7 AS seven');
    process.kill(holder.server, 'SIGKILL');
    await holder.kill();
    const server = await start(shared);
    expect(await query(server.url, 'SELECT seven FROM committed')).toEqual([{ seven: 7 }]);
    await query(server.url, 'DROP TABLE committed');
    expect(said.join('\n')).toContain('recovers');
  });

  it('the server follows a killed gateway by itself', async () => {
    const holder = await hold(shared);
    await holder.kill();
    await until(() => Promise.resolve(startOf(holder.server) === undefined));
  });

  it('a start at once after the gateway was killed waits for the old server to go', async () => {
    const holder = await hold(shared);
    await holder.kill();
    const server = await start(shared);
    expect(server.pid).not.toBe(holder.server);
    expect(startOf(holder.server)).toBeUndefined();
  });

  it('a server that was left running is stopped first', async () => {
    const holder = await hold(shared);
    // With its leash cut, it does not notice that its gateway dies.
    process.kill(holder.leash, 'SIGKILL');
    await holder.kill();
    expect(startOf(holder.server)).toBeDefined();
    const server = await start(shared);
    expect(startOf(holder.server)).toBeUndefined();
    expect(said.join('\n')).toContain(`left behind (pid ${holder.server})`);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('a pid that now belongs to another program does not keep it from starting', async () => {
    const holder = await hold(shared);
    process.kill(holder.server, 'SIGKILL');
    await holder.kill();
    const file = join(shared, 'cluster', 'postmaster.pid');
    const [, ...rest] = readFileSync(file, 'utf8').split('\n');
    const stranger = spawn('sleep', ['60']);
    writeFileSync(file, [String(stranger.pid), ...rest].join('\n'));
    const server = await start(shared);
    stranger.kill('SIGKILL');
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('a claim of a dead Aegis, whose pid somebody else has now, is cleared away', async () => {
    writeFileSync(join(shared, 'aegis.pid'), JSON.stringify({ pid: process.ppid, start: 'long ago' }));
    const server = await start(shared);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('an interrupted first start leaves nothing in the way of the next', async () => {
    const dataDir = join(folder(), 'postgres');
    mkdirSync(join(dataDir, 'cluster.new-abc'), { recursive: true });
    writeFileSync(join(dataDir, 'cluster.new-abc', 'PG_VERSION'), '18\n');
    await start(dataDir);
    expect(existsSync(join(dataDir, 'cluster.new-abc'))).toBe(false);
  });

  it('Ctrl-C in the terminal of the gateway does not reach the server', async () => {
    const holder = await hold(shared);
    // To the whole process group, as a terminal does; the holder ignores it.
    process.kill(-holder.pid, 'SIGINT');
    expect(await query(holder.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await holder.kill();
  });
});

describe('what it cannot use it refuses in one line', () => {
  it('a database of another major version', async () => {
    const dataDir = join(folder(), 'postgres');
    mkdirSync(join(dataDir, 'cluster'), { recursive: true });
    writeFileSync(join(dataDir, 'cluster', 'PG_VERSION'), '15\n');
    await expectRefusal(dataDir, /was written by PostgreSQL 15, this Aegis brings PostgreSQL 18/);
  });

  it('half a database', async () => {
    const dataDir = join(folder(), 'postgres');
    mkdirSync(join(dataDir, 'cluster'), { recursive: true });
    await expectRefusal(dataDir, /no whole database/);
  });

  it('a folder with something else in it', async () => {
    const dataDir = folder();
    writeFileSync(join(dataDir, 'thesis.txt'), '');
    await expectRefusal(dataDir, /holds thesis\.txt/);
    expect(existsSync(join(dataDir, 'thesis.txt'))).toBe(true);
  });

  it('a file where the folder should be', async () => {
    const file = join(folder(), 'data');
    writeFileSync(file, '');
    await expectRefusal(join(file, 'postgres'), /cannot be used/);
  });
});

if (isRoot) {
  describe('started by root', () => {
    it('runs as somebody else', async () => {
      const server = await start(shared);
      expect(statSync(`/proc/${server.pid}`).uid).not.toBe(0);
    });

    it('serves a folder that only root can enter', async () => {
      const secret = mkdtempSync(join(homedir(), '.aegis-test-'));
      folders.push(secret);
      chmodSync(secret, 0o700);
      const dataDir = join(secret, 'data', 'postgres');
      const first = await start(dataDir);
      await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
      process.kill(first.pid, 'SIGKILL');
      await until(async () => (await query(first.url, 'SELECT 1').catch(() => [])).length === 1);
      await first.stop();
      const second = await start(dataDir);
      expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
      expect(existsSync(join(dataDir, 'cluster', 'PG_VERSION'))).toBe(true);
    });

    it('leaves a database with the user who made it', async () => {
      const dataDir = join(folder(), 'postgres');
      mkdirSync(dataDir);
      chownSync(dataDir, NOBODY.uid, NOBODY.gid);
      await (await start(dataDir)).stop();
      chownTree(dataDir);
      const server = await start(dataDir);
      expect(statSync(`/proc/${server.pid}`).uid).toBe(NOBODY.uid);
    });

    if (canEnter(NOBODY, ROOT) && canEnter(NOBODY, dirname(process.execPath))) {
      it('an ordinary user starts, restarts and is refused the folder of another', async () => {
        const home = folder();
        chownSync(home, NOBODY.uid, NOBODY.gid);
        const dataDir = join(home, 'data', 'postgres');
        for (let round = 0; round < 2; round++) {
          const holder = await hold(dataDir, NOBODY);
          expect(statSync(`/proc/${holder.server}`).uid).toBe(NOBODY.uid);
          await holder.kill();
          await until(() => Promise.resolve(startOf(holder.server) === undefined));
        }
        await expect(hold(shared, NOBODY)).rejects.toThrow(/cannot write to .* \(EACCES\)/);
      });
    }
  });
}

interface Holder {
  readonly pid: number;
  readonly url: string;
  readonly server: number;
  readonly leash: number;
  kill(): Promise<void>;
}

const HOLD = `
import { EmbeddedPostgres } from '#storage';
const quiet = () => {};
process.on('SIGINT', quiet);
setInterval(quiet, 1e6);
EmbeddedPostgres.start({ dataDir: process.argv[1], log: { debug: quiet, info: quiet, warn: quiet, error: quiet } }).then(
  ({ url, pid }) => console.log(JSON.stringify({ url, pid })),
  (error) => { console.log(JSON.stringify({ refused: error.message })); process.exit(1); },
);`;

/** Another process that has the database, from the build. */
async function hold(dataDir: string, account?: { uid: number; gid: number }): Promise<Holder> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLD, dataDir], {
    cwd: ROOT,
    detached: true,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...account,
  });
  new Leash(child.pid ?? 0, { signal: 'KILL' });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url, pid, refused } = JSON.parse(line) as { url: string; pid: number; refused?: string };
  if (refused !== undefined) throw new Error(refused);
  return { pid: child.pid ?? 0, url, server: pid, leash: leashOf(child, pid), kill: async () => await kill(child) };
}

function leashOf(parent: ChildProcess, server: number): number {
  const children = readFileSync(`/proc/${parent.pid ?? 0}/task/${parent.pid ?? 0}/children`, 'utf8');
  return Number(children.split(' ').find((pid) => pid !== '' && Number(pid) !== server));
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function folder(): string {
  const made = scratchFolder('embedded');
  folders.push(made);
  return made;
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  // Processes are killed here, not machines.
  const server = await EmbeddedPostgres.start({ dataDir, log, settings: { fsync: 'off' } });
  running.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', ignore);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

async function expectRefusal(dataDir: string, message: RegExp): Promise<void> {
  const refused = await EmbeddedPostgres.start({ dataDir, log }).then(
    () => new Error('it started'),
    (error: unknown) => error as Error,
  );
  expect(refused.name).toBe('StorageError');
  expect(refused.message).toMatch(message);
  expect(refused.message).not.toContain('\n');
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

function chownTree(path: string): void {
  spawnSync('chown', ['-R', `${NOBODY.uid}:${NOBODY.gid}`, path]);
}

function note(message: string): void {
  said.push(message);
}

function ignore(): void {
  // Nothing to do.
}
