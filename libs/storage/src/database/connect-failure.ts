import { codeOf, messageOf, StorageError, UnreachableError } from '../storage-error.js';
import { type DatabaseAddress } from './database-url.js';

const WHERE = 'database.url (DATABASE_URL)';
const CERTIFICATE = /CERT|SIGNATURE|self.signed|certificate/i;

/** Why a database cannot be used, in one line that says what to do and shows no password. */
export function connectFailure(error: unknown, { shown, user, database }: DatabaseAddress): StorageError {
  if (error instanceof StorageError) return error;
  const code = codeOf(error);
  const message = messageOf(error);
  switch (code) {
    case '28P01':
    case '28000':
      return new StorageError(
        `PostgreSQL at ${shown} does not let the user ${user} in (${message}): check user and password in ${WHERE}`,
      );
    case '3D000':
      return new StorageError(
        `there is no database ${database} at ${shown}: create it (CREATE DATABASE "${database}"), or mend ${WHERE}`,
      );
    case '42501':
      return new StorageError(
        `the user ${user} may not create the tables of Aegis in the database ${database} at ${shown} (${message}): GRANT ALL ON SCHEMA public TO "${user}"`,
      );
    case '53300':
      return new StorageError(
        `PostgreSQL at ${shown} has no connection left: lower database.pool, or raise its max_connections`,
      );
    case '57P03':
      return new UnreachableError(
        `PostgreSQL at ${shown} is starting up or shutting down (${message}): start Aegis again in a moment`,
      );
    case undefined:
      break;
    default:
      if (CERTIFICATE.test(code)) return certificate(shown, message);
  }
  if (message.includes('does not support SSL')) {
    return new StorageError(
      `PostgreSQL at ${shown} does not speak TLS: leave out database.tls and sslmode, or switch it on there`,
    );
  }
  if (CERTIFICATE.test(message)) return certificate(shown, message);
  return new UnreachableError(
    `PostgreSQL at ${shown} cannot be reached (${code ?? message}): start it, mend ${WHERE}, or leave that out to use the embedded one`,
  );
}

function certificate(shown: string, message: string): StorageError {
  return new StorageError(
    `the certificate of PostgreSQL at ${shown} is not trusted (${message}): name its authority in database.tls.ca, or say sslmode=no-verify in ${WHERE}`,
  );
}
