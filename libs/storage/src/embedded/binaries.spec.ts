import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { scratchFolder } from '#testing';
import { accountFor } from './account.js';
import { findBinaries, usableHome } from './binaries.js';

const isRoot = process.getuid?.() === 0;
const scratch = scratchFolder('binaries');
const account = accountFor(join(scratch, 'none'));
const installed = findBinaries(account, scratch);
const copies: string[] = [scratch];

afterAll(() => {
  for (const copy of copies) {
    chmodSync(copy, 0o755);
    rmSync(copy, { recursive: true, force: true });
  }
});

describe('the PostgreSQL that npm brought', () => {
  it('is the version that its package names', () => {
    const said = execFileSync(join(installed.home, 'bin', 'postgres'), ['--version'], { encoding: 'utf8', ...account });
    expect(said.trim()).toBe(`postgres (PostgreSQL) ${installed.version}`);
    expect(installed.version.split('.')[0]).toBe(installed.major);
  });

  it('gets the library links that npm left out', () => {
    const home = unpacked(join(scratch, 'package'));
    expect(usableHome(home, 'test', account, scratch)).toBe(home);
    expect(version(home)).toContain(installed.version);
  });

  if (isRoot) {
    it('is copied to where its user can run it when only root can reach it', () => {
      const secret = mkdtempSync(join(homedir(), '.aegis-test-'));
      copies.push(secret);
      const home = unpacked(join(secret, 'package'));
      // Some of the links are there: a copy may not lead back to where only root can go.
      symlinkSync('libicuuc.so.60.2', join(home, 'lib', 'libicuuc.so.60'));
      // As npm leaves it under a strict umask.
      spawnSync('chmod', ['-R', 'go-rwx', secret]);
      const name = `test-${process.pid}`;
      const copy = usableHome(home, name, account, scratch);
      copies.push(dirname(copy));
      expect(copy).not.toBe(home);
      expect(version(copy)).toContain(installed.version);
      expect(usableHome(home, name, account, scratch)).toBe(copy);
      expect(
        readdirSync(dirname(dirname(copy))).filter((each) => each.includes(`${name}-${process.arch}.new-`)),
      ).toEqual([]);
    });
  }
});

/** As it comes out of npm's archive: without links. */
function unpacked(folder: string): string {
  mkdirSync(folder);
  const home = join(folder, 'native');
  cpSync(installed.home, home, { recursive: true, filter: (path) => !lstatSync(path).isSymbolicLink() });
  expect(existsSync(join(home, 'lib', 'libpq.so.5'))).toBe(process.platform !== 'linux');
  return home;
}

function version(home: string): string {
  const { stdout, stderr } = spawnSync(join(home, 'bin', 'initdb'), ['--version'], { encoding: 'utf8', ...account });
  return stdout + stderr;
}
