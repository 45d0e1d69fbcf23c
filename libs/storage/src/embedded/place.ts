import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account, canEnter, give } from './account.js';

/** Where a server listens: a socket in a private folder, or a port on the loopback interface. */
export type Place =
  | { readonly kind: 'socket'; readonly folder: string; readonly port: number }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export const SOCKET_PORT = 5432;
const LOOPBACK = '127.0.0.1';
/** What `sockaddr_un` holds on macOS, the smaller of the two, less the zero at its end. */
const LONGEST_SOCKET_PATH = 103;

/** A socket beside the data; where that path is too long, out of reach or on a file system without sockets, one in the temporary folder; else TCP. */
export async function findPlace(dataDir: string, account: Account | undefined): Promise<Place> {
  const name = `aegis-${createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 16)}`;
  for (const folder of [join(dataDir, 'socket'), join(tmpdir(), name), join('/tmp', name)]) {
    if (await canListenIn(folder, account)) return { kind: 'socket', folder, port: SOCKET_PORT };
  }
  return { kind: 'tcp', host: LOOPBACK, port: await freePort() };
}

export function socketFile(folder: string, port: number): string {
  return join(folder, `.s.PGSQL.${port}`);
}

async function canListenIn(folder: string, account: Account | undefined): Promise<boolean> {
  if (Buffer.byteLength(socketFile(folder, SOCKET_PORT)) > LONGEST_SOCKET_PATH) return false;
  try {
    if (!isPrivate(folder, account)) return false;
    if (!canEnter(account, folder)) return false;
    await listenOnce({ path: join(folder, '.probe') });
    return true;
  } catch {
    return false;
  }
}

/** Ours alone, made now or before. In a temporary folder somebody else may have been quicker: then it is not used. */
function isPrivate(folder: string, account: Account | undefined): boolean {
  if (!lstatSync(folder, { throwIfNoEntry: false })) {
    mkdirSync(folder, { mode: 0o700 });
    give(account, folder);
  }
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== (account?.uid ?? process.getuid?.())) return false;
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return true;
}

async function freePort(): Promise<number> {
  return await listenOnce({ host: LOOPBACK, port: 0 });
}

/** Listens and stops again; the port, when there was one. */
function listenOnce(where: { path: string } | { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(where, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
}
