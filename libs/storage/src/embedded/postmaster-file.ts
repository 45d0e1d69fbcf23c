import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Place } from './place.js';

const NAME = 'postmaster.pid';

/** What a running server writes into its data directory. */
export interface PostmasterFile {
  readonly pid: number;
  readonly place: Place;
}

/** Line 1 is the pid, 4 the port, 5 the folder of the socket, 6 the address. */
export function readPostmasterFile(cluster: string): PostmasterFile | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(cluster, NAME), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  const folder = lines[4] ?? '';
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const place: Place = folder ? { kind: 'socket', folder, port } : { kind: 'tcp', host: lines[5] ?? '', port };
  return { pid, place };
}

/**
 * The server is dead, yet its pid may live on, as another program's or as a corpse that nobody buries, and PostgreSQL
 * would believe that it still runs. It takes its own parent's pid for stale, so that is what we write; the rest stays,
 * for it leads PostgreSQL to shared memory that a straggler may still be using.
 */
export function disownPid(cluster: string): void {
  const file = join(cluster, NAME);
  const [, ...rest] = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, [String(process.pid), ...rest].join('\n'));
}
