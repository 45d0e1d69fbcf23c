import { codeOf, messageOf, StorageError } from '../storage-error.js';

/** What can go wrong with an embedded server, each in one line that says what to do. */

export function inFolder(folder: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(folder);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new StorageError(
      `cannot write to ${folder} (${code}): give this user the right to, or name another folder with --data-dir or database.dataDir`,
    );
  }
  return new StorageError(`the database folder ${folder} cannot be used: ${messageOf(error)}`);
}

export function inUse(folder: string, pid: number | undefined): StorageError {
  const who = pid === undefined ? '' : ` (pid ${pid})`;
  return new StorageError(
    `another Aegis uses this data directory${who}: ${folder}; stop it, or name another one with --data-dir or database.dataDir`,
  );
}

function diskFull(folder: string): StorageError {
  return new StorageError(
    `no space left on the disk of ${folder}: free some, or name another folder with --data-dir or database.dataDir`,
  );
}

const COMPLAINT = /^.*?\b(?:FATAL|PANIC|ERROR|error):\s*/;

/** What a program of PostgreSQL said before it failed. */
export function failedOn(folder: string, program: string, output: string): StorageError {
  if (/No space left on device|Disk quota exceeded/.test(output)) return diskFull(folder);
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.findLast((line) => COMPLAINT.test(line)) ?? lines.at(-1) ?? 'it was killed, or said nothing';
  return new StorageError(
    `the embedded PostgreSQL (${program}) failed on ${folder}: ${telling.replace(COMPLAINT, '')}`,
  );
}

export function cannotRun(program: string, error: Error): StorageError {
  const code = codeOf(error);
  if (code === 'ENOENT' && process.platform === 'linux') {
    return new StorageError(
      `the embedded PostgreSQL (${program}) needs glibc, which this system lacks (Alpine?): use a Debian based image, or set DATABASE_URL`,
    );
  }
  if (code === 'EPERM') return cannotLeaveRoot('EPERM');
  return new StorageError(
    `the embedded PostgreSQL (${program}) cannot be run (${error.message}): npm install again, or set DATABASE_URL`,
  );
}

export function cannotLeaveRoot(reason: string): StorageError {
  return new StorageError(
    `PostgreSQL refuses to run as root, and this root may not hand its files to another user (${reason}): start Aegis as an ordinary user, or set DATABASE_URL`,
  );
}
