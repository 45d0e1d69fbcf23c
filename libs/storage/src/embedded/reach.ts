import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { type StdioOptions } from 'node:child_process';
import { StorageError } from '../storage-error.js';
import { type Account, canEnter } from './account.js';

/**
 * How a program is given a folder that its account cannot get to by name, say one below root's home: we open the folder,
 * the program inherits the descriptor, and `/proc/self/fd/3` leads there without a look at the folders above.
 */
export class Reach {
  readonly path: string;
  readonly #descriptor: number | undefined;

  constructor(folder: string, account: Account | undefined) {
    if (canEnter(account, folder)) {
      this.path = folder;
      return;
    }
    if (!existsSync('/proc/self/fd')) {
      throw new StorageError(
        `PostgreSQL refuses to run as root, and the user that it runs as instead cannot enter ${folder}: name another folder with --data-dir, start Aegis as an ordinary user, or set DATABASE_URL`,
      );
    }
    this.#descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    this.path = '/proc/self/fd/3';
  }

  /** Descriptors 0 to 2 as given, and the folder as the next. */
  stdio(first: 'pipe' | 'ignore'): StdioOptions {
    return [first, 'ignore', 'pipe', ...(this.#descriptor === undefined ? [] : [this.#descriptor])];
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

/** Nothing of ours, secrets least of all, and nothing that a server would heed. */
export function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}
