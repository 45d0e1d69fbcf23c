/** A failure that a person has to mend: the message is one line that says what is wrong and what to do; no stack helps. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/** It may well work in a moment, without anybody changing anything here. */
export class UnreachableError extends StorageError {}

/** Where storage tells what it does. A pino logger is one. */
export interface StorageLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export function messageOf(error: unknown): string {
  return textOf(error, 'message') ?? String(error);
}

/** The `code` of a failed system call, or of a PostgreSQL error. */
export function codeOf(error: unknown): string | undefined {
  return textOf(error, 'code');
}

/** By shape rather than by class: an error may come from another realm, such as a worker or a test runner. */
function textOf(error: unknown, key: 'message' | 'code'): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const value: unknown = (error as Record<string, unknown>)[key];
  return typeof value === 'string' ? value : undefined;
}
