import { describe, expect, it } from '@jest/globals';
import { cannotRun, failedOn, inFolder } from './failures.js';

const coded = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code });

describe('a failure of the embedded PostgreSQL', () => {
  it('on a full disk says so, whoever noticed it', () => {
    const output = 'LOG:  starting\nFATAL:  could not write to file "pg_wal/xlogtemp.29": No space left on device\n';
    expect(failedOn('/data', 'postgres', output).message).toMatch(/^no space left on the disk of \/data: free some/);
    expect(inFolder('/data', coded('ENOSPC')).message).toMatch(/^no space left on the disk of \/data: free some/);
  });

  it('without the right to write names the folder and another way', () => {
    expect(inFolder('/data', coded('EACCES')).message).toMatch(/^cannot write to \/data \(EACCES\): .*--data-dir/);
    expect(inFolder('/data', coded('EROFS')).message).toMatch(/^cannot write to \/data \(EROFS\)/);
  });

  it('is told with the last thing that the server complained about', () => {
    const output = 'LOG:  starting\nFATAL:  could not load library\nLOG:  database system is shut down\n';
    expect(failedOn('/data', 'postgres', output).message).toBe(
      'the embedded PostgreSQL (postgres) failed on /data: could not load library',
    );
    expect(failedOn('/data', 'initdb', '').message).toContain('it was killed, or said nothing');
  });

  it('of a program that does not run says what that means', () => {
    expect(cannotRun('initdb', coded('ENOENT')).message).toContain('glibc');
    expect(cannotRun('initdb', coded('EPERM')).message).toContain('refuses to run as root');
    expect(cannotRun('initdb', coded('ENOEXEC')).message).toContain('cannot be run');
  });
});
