import { readFileSync } from 'node:fs';
import { type ConnectionOptions } from 'node:tls';
import { messageOf, StorageError } from './storage-error.js';

/** TLS towards a store; the files are PEM. */
export interface StoreTls {
  readonly ca?: string | null;
  readonly cert?: string | null;
  readonly key?: string | null;
  readonly serverName?: string | null;
  readonly verify?: boolean;
}

export function tlsOptions(tls: StoreTls): ConnectionOptions {
  return {
    ...(tls.ca != null && { ca: read(tls.ca) }),
    ...(tls.cert != null && { cert: read(tls.cert) }),
    ...(tls.key != null && { key: read(tls.key) }),
    ...(tls.serverName != null && { servername: tls.serverName }),
    rejectUnauthorized: tls.verify ?? true,
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StorageError(`the TLS file ${file} cannot be read: ${messageOf(error)}`);
  }
}
