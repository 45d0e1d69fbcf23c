import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StorageError } from '../storage-error.js';
import { type Account, give, giveTree } from './account.js';
import { type Binaries } from './binaries.js';
import { cannotRun, failedOn, inFolder } from './failures.js';
import { environment, Reach } from './reach.js';

/**
 * The files of the embedded database, and how they come to be.
 *
 *   <dataDir>/cluster     what PostgreSQL calls its data directory
 *   <dataDir>/socket      where it listens
 *   <dataDir>/aegis.pid   who uses it
 *
 * The superuser has no password and so cannot log in; Aegis logs in as a role that owns its database and no more.
 */
export const ROLE = 'aegis';
const PASSWORD_FILE = 'aegis.password';
const DRAFT = 'cluster.new-';
const OURS = /^(?:cluster|socket|lost\+found|aegis\.pid.*|cluster\.new-.*|aegis-postgresql-.*)$/;

const HBA = `# Written by Aegis: nobody without the password, nobody from another machine.
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
`;

export function clusterIn(dataDir: string): string {
  return join(dataDir, 'cluster');
}

export function passwordOf(cluster: string): string {
  return readFileSync(join(cluster, PASSWORD_FILE), 'utf8').trim();
}

/** Makes the folder where there is none, and refuses one that holds something else: it will be given to another user. */
export function openDataDir(dataDir: string, account: Account | undefined): void {
  try {
    mkdirSync(dirname(dataDir), { recursive: true });
    if (!existsSync(dataDir)) mkdirSync(dataDir, { mode: 0o700 });
    const stranger = readdirSync(dataDir).find((name) => !OURS.test(name));
    if (stranger !== undefined) {
      throw new StorageError(
        `${dataDir} holds ${stranger}, which is not of an Aegis database: name a new or empty folder with --data-dir or database.dataDir`,
      );
    }
    give(account, dataDir);
  } catch (error) {
    throw inFolder(dataDir, error);
  }
}

/** False when there is no cluster yet; throws when there is one that these binaries cannot serve. */
export function checkCluster(cluster: string, { major }: Binaries, account: Account | undefined): boolean {
  if (!existsSync(cluster)) return false;
  const file = join(cluster, 'PG_VERSION');
  if (!existsSync(file)) {
    throw new StorageError(`${cluster} is no whole database (PG_VERSION is missing): restore it, or move it away`);
  }
  const written = readFileSync(file, 'utf8').trim();
  if (written !== major) {
    throw new StorageError(
      `${cluster} was written by PostgreSQL ${written}, this Aegis brings PostgreSQL ${major}: start the Aegis that wrote it, or dump it there and restore it into a new folder (--data-dir)`,
    );
  }
  // A copy or a restored backup may have lost both; PostgreSQL insists on them.
  if (account && statSync(cluster).uid !== account.uid) giveTree(account, cluster);
  if ((statSync(cluster).mode & 0o077) !== 0) chmodSync(cluster, 0o700);
  return true;
}

/** All or nothing: the cluster gets its name when it is complete and on the disk. */
export function createCluster(
  dataDir: string,
  binaries: Binaries,
  account: Account | undefined,
  { synced }: { readonly synced: boolean },
): void {
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith(DRAFT)) rmSync(join(dataDir, name), { recursive: true, force: true });
  }
  const draft = mkdtempSync(join(dataDir, DRAFT));
  try {
    giveTree(account, draft);
    const password = randomBytes(24).toString('hex');
    const run = (program: string, args: readonly string[], input = ''): void =>
      runIn(draft, account, join(binaries.home, 'bin', program), args, input);
    run('initdb', [...INITDB, '--no-sync']);
    writeFileSync(join(draft, 'pg_hba.conf'), HBA);
    writeFileSync(join(draft, PASSWORD_FILE), `${password}\n`, { mode: 0o600 });
    giveTree(account, draft);
    run('postgres', ['--single', ...SINGLE, 'template1'], provision(password));
    if (synced) run('initdb', ['--sync-only']);
    renameSync(draft, clusterIn(dataDir));
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw inFolder(dataDir, error);
  }
}

/** Sorting by code point, the same on every machine; upper and lower case as Unicode has them. */
const INITDB = [
  '--username=postgres',
  '--auth=reject',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-instructions',
];

/** Not synced either: all is brought to the disk once, at the end. */
const SINGLE = ['-c', 'exit_on_error=on', '-c', 'log_checkpoints=off', '-c', 'fsync=off'];

/** One statement a line, as single-user mode reads them. To rename a database is far quicker than to make one. */
function provision(password: string): string {
  return [
    `CREATE ROLE ${ROLE} LOGIN CREATEROLE CREATEDB PASSWORD '${password}'`,
    `ALTER DATABASE postgres OWNER TO ${ROLE}`,
    `ALTER DATABASE postgres RENAME TO ${ROLE}`,
    '',
  ].join('\n');
}

function runIn(
  folder: string,
  account: Account | undefined,
  program: string,
  args: readonly string[],
  input: string,
): void {
  const reach = new Reach(folder, account);
  try {
    const result = spawnSync(program, args, {
      cwd: '/',
      env: { ...environment(), PGDATA: reach.path },
      input,
      encoding: 'utf8',
      stdio: reach.stdio('pipe'),
      ...account,
    });
    if (result.error) throw cannotRun(basename(program), result.error);
    if (result.status !== 0) throw failedOn(dirname(folder), basename(program), result.stderr);
  } finally {
    reach.close();
  }
}
