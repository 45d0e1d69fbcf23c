import { chownSync, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf } from '../storage-error.js';
import { cannotLeaveRoot } from './failures.js';

/** Whom PostgreSQL runs as. It refuses root, so root hands it to somebody else. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Undefined: as whoever we are. A database that exists stays with its owner. */
export function accountFor(cluster: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const passwd = readPasswd();
  return passwd.get('postgres') ?? passwd.get('nobody') ?? { uid: 65_534, gid: 65_534 };
}

function readPasswd(): Map<string, Account> {
  const accounts = new Map<string, Account>();
  let text = '';
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return accounts;
  }
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name && Number(uid) > 0 && Number(gid) > 0) accounts.set(name, { uid: Number(uid), gid: Number(gid) });
  }
  return accounts;
}

/** Whether the account may enter this folder: search every folder on the way to it, and itself. */
export function canEnter(account: Account | undefined, folder: string): boolean {
  if (!account) return true;
  for (let path = realpathSync(folder); ; path = dirname(path)) {
    const { mode, uid, gid } = statSync(path);
    const search = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & search) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** Gives a file or folder to the account; not what is in it. */
export function give(account: Account | undefined, path: string): void {
  if (!account) return;
  const { uid, gid } = lstatSync(path);
  if (uid === account.uid && gid === account.gid) return;
  try {
    chownSync(path, account.uid, account.gid);
  } catch (error) {
    throw cannotLeaveRoot(codeOf(error) ?? 'chown failed');
  }
}

export function giveTree(account: Account | undefined, path: string): void {
  if (!account) return;
  give(account, path);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveTree(account, join(path, name));
}
