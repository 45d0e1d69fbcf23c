import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { StorageError } from '../storage-error.js';
import { type StoreTls, tlsOptions } from '../tls.js';

export interface DatabaseAddress {
  /** For the driver: without the parameters about TLS, which stand in `ssl`. */
  readonly url: string;
  readonly ssl: ConnectionOptions | false;
  /** For people: without the password. */
  readonly shown: string;
  readonly user: string;
  readonly database: string;
}

const TLS_PARAMETERS = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'];

/**
 * Reads a URL of PostgreSQL. TLS means a verified certificate: `sslmode=require` too, which libpq takes to mean that any
 * will do. Who wants that says `no-verify`.
 */
export function readDatabaseUrl(text: string, tls: StoreTls | null): DatabaseAddress {
  const url = parse(text);
  const ssl = sslOf(url, tls);
  const host = url.searchParams.get('host') ?? url.hostname;
  for (const name of TLS_PARAMETERS) url.searchParams.delete(name);
  const database = decodeURIComponent(url.pathname.slice(1));
  const user = decodeURIComponent(url.username);
  return {
    url: url.toString(),
    ssl,
    shown: host.startsWith('/') ? `${host} (socket)` : `${host}:${url.port || '5432'}`,
    user,
    database: database || user,
  };
}

function parse(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // What is wrong with it is said below, and without repeating it: there may be a password in it.
  }
  if (url?.protocol !== 'postgres:' && url?.protocol !== 'postgresql:') {
    throw new StorageError(
      'database.url (DATABASE_URL) is not a PostgreSQL URL: write postgres://user:password@host:5432/database, with special characters in the password percent-encoded',
    );
  }
  return url;
}

function sslOf({ searchParams }: URL, tls: StoreTls | null): ConnectionOptions | false {
  const mode = searchParams.get('sslmode') ?? (searchParams.get('ssl') === 'true' ? 'verify-full' : undefined);
  const files: StoreTls = {
    ca: tls?.ca ?? searchParams.get('sslrootcert'),
    cert: tls?.cert ?? searchParams.get('sslcert'),
    key: tls?.key ?? searchParams.get('sslkey'),
  };
  const wanted = tlsOptions({ ...tls, ...files });
  switch (mode) {
    case undefined:
      return tls || files.ca != null ? named(wanted) : false;
    case 'disable':
      return false;
    case 'require':
    case 'verify-full':
      return named(wanted);
    case 'verify-ca':
      return { ...wanted, checkServerIdentity: () => undefined };
    case 'no-verify':
      return { ...wanted, rejectUnauthorized: false };
    default:
      throw new StorageError(
        `sslmode=${mode} in database.url is not supported: say disable, require, verify-ca, verify-full or no-verify`,
      );
  }
}

/** The driver always asks for the host of the URL, so another name is checked here. */
function named(options: ConnectionOptions): ConnectionOptions {
  const { servername } = options;
  if (servername === undefined) return options;
  return { ...options, checkServerIdentity: (_host, certificate) => checkServerIdentity(servername, certificate) };
}
