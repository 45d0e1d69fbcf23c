import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, StorageError, type StorageLog } from '../storage-error.js';
import { inUse } from './failures.js';
import { socketFile } from './place.js';
import { disownPid, readPostmasterFile } from './postmaster-file.js';
import { servesDirectory, startOf } from './process-table.js';

const POLL_MS = 10;
const FAST_MS = 15_000;
const IMMEDIATE_MS = 5_000;

/**
 * Makes way on a data directory that is ours: the Aegis before us may have died and left its server behind, running,
 * going down, or only as a file with a pid.
 */
export async function makeWay(dataDir: string, cluster: string, log: StorageLog): Promise<void> {
  const found = readPostmasterFile(cluster);
  if (!found) return;
  const { pid, place } = found;
  if (servesDirectory(pid, cluster)) {
    log.warn(`stopping the PostgreSQL server that an Aegis before left behind (pid ${pid})`);
    await stopOrphan(pid);
    return;
  }
  if (place.kind === 'socket') {
    const socket = socketFile(place.folder, place.port);
    // Seen from another container the pid says nothing, but a socket in a shared folder answers.
    if (await answers(socket)) throw inUse(dataDir, undefined);
    rmSync(`${socket}.lock`, { force: true });
  }
  disownPid(cluster);
}

async function stopOrphan(pid: number): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', FAST_MS],
    ['SIGQUIT', IMMEDIATE_MS],
    ['SIGKILL', IMMEDIATE_MS],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (startOf(pid) === undefined) return;
      throw new StorageError(`the PostgreSQL server with pid ${pid} has to be stopped first (${messageOf(error)})`);
    }
    // It is no child of ours, so nobody tells us when it ends.
    for (let waited = 0; waited < patience; waited += POLL_MS) {
      if (startOf(pid) === undefined) return;
      await delay(POLL_MS);
    }
  }
  throw new StorageError(`the PostgreSQL server with pid ${pid} does not stop: end it by hand, then start again`);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
