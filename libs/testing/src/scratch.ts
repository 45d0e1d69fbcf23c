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

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
}
