import { chmodSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder that other users may pass through, as most project folders are: PostgreSQL runs as one of them when we are root. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `aegis-test-${name}-`));
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
