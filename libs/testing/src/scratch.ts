import { chmodSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Leash } from '#storage';
import { onceAWorker } from './worker-memory.js';

/**
 * A new folder, gone with the worker at the latest. Other users may pass through it, as through most project folders:
 * PostgreSQL runs as one of them when we are root.
 */
export function scratchFolder(name: string): string {
  return open(mkdtempSync(join(onceAWorker('scratch', scratchOfWorker), `${name}-`)));
}

function scratchOfWorker(): string {
  const folder = open(mkdtempSync(join(tmpdir(), 'aegis-test-')));
  new Leash(process.pid, { signal: '0', remove: folder });
  return folder;
}

function open(folder: string): string {
  chmodSync(folder, 0o711);
  return folder;
}

/** Below those that Linux and others give to whoever wants any, and to each connection that is made. */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_767;
const LANES = 16;
const PORTS_OF_A_LANE = Math.floor((LAST_PORT - FIRST_PORT) / LANES);

/**
 * A port on which nobody listens, for somebody who will in a while: nobody gets it by chance until then, and jest workers
 * that run beside each other have different ones.
 */
export async function freePort(): Promise<number> {
  const lane = Number(process.env['JEST_WORKER_ID'] ?? 0) % LANES;
  const ports = onceAWorker('ports', () => ({ next: Math.floor(Math.random() * PORTS_OF_A_LANE) }));
  for (let tries = 0; tries < PORTS_OF_A_LANE; tries++) {
    const port = FIRST_PORT + (ports.next++ % PORTS_OF_A_LANE) * LANES + lane;
    if (await isFree(port)) return port;
  }
  throw new Error('no port is free');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
