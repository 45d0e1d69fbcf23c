import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomHex } from '#kernel';
import { codeOf } from '../storage-error.js';
import { inUse } from './failures.js';
import { startOf } from './process-table.js';

interface Claim {
  readonly pid: number;
  readonly start: string;
}

/** The one Aegis that uses a data directory: a file with its pid, and with its start time lest another process inherits the pid. */
export class Owner {
  readonly #file: string;

  private constructor(directory: string) {
    this.#file = fileIn(directory);
  }

  /** Throws when another Aegis lives here. */
  static claim(directory: string): Owner {
    const owner = new Owner(directory);
    // Twice: the first may find, and clear away, what a dead one left.
    if (owner.#take() || owner.#take()) return owner;
    throw inUse(directory, liveOwner(directory));
  }

  /** Creates the file whole and only if there is none, which `link` does in one step. */
  #take(): boolean {
    const draft = `${this.#file}.${process.pid}-${randomHex(4)}`;
    writeFileSync(draft, JSON.stringify({ pid: process.pid, start: startOf(process.pid) ?? '' }), { mode: 0o644 });
    try {
      linkSync(draft, this.#file);
      return true;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      this.#clearStale();
      return false;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  /** Moves the file aside before it looks again: of two that start at once, only one gets it. */
  #clearStale(): void {
    if (isAlive(read(this.#file))) return;
    const aside = `${this.#file}.stale-${process.pid}-${randomHex(4)}`;
    try {
      renameSync(this.#file, aside);
      if (isAlive(read(aside))) linkSync(aside, this.#file);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
    } finally {
      rmSync(aside, { force: true });
    }
  }

  release(): void {
    if (read(this.#file)?.pid === process.pid) rmSync(this.#file, { force: true });
  }
}

/** The pid of the Aegis that uses this data directory, if one does. */
export function liveOwner(directory: string): number | undefined {
  const claim = read(fileIn(directory));
  return isAlive(claim) ? claim.pid : undefined;
}

function fileIn(directory: string): string {
  return join(directory, 'aegis.pid');
}

function isAlive(claim: Claim | undefined): claim is Claim {
  return claim !== undefined && startOf(claim.pid) === claim.start;
}

function read(file: string): Claim | undefined {
  try {
    const claim = JSON.parse(readFileSync(file, 'utf8')) as Partial<Claim>;
    return typeof claim.pid === 'number' && typeof claim.start === 'string' ? (claim as Claim) : undefined;
  } catch {
    return undefined;
  }
}
