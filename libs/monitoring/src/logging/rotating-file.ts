import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';

export interface Rotation {
  /** Bytes after which a new file is begun. */
  readonly size: number;
  /** How many old ones stay: `x.log.1` is the youngest. */
  readonly keep: number;
}

type Destination = ReturnType<typeof pino.destination>;

/** A log file that makes room by itself. When it cannot be written, the process goes on: logs are never worth a request. */
export function rotatingFile(file: string, rotation: Rotation): Destination {
  mkdirSync(dirname(file), { recursive: true });
  let size = existsSync(file) ? statSync(file).size : 0;
  const destination = pino.destination({ dest: file, sync: true, append: true });
  destination.on('error', () => undefined);
  destination.on('write', (written: number) => {
    size += written;
    if (size < rotation.size) return;
    size = 0;
    shift(file, rotation.keep);
    destination.reopen();
  });
  return destination;
}

function shift(file: string, keep: number): void {
  try {
    for (let n = keep - 1; n >= 1; n--) if (existsSync(`${file}.${n}`)) renameSync(`${file}.${n}`, `${file}.${n + 1}`);
    if (keep > 0) renameSync(file, `${file}.1`);
  } catch {
    // The next write goes on in the file as it is.
  }
}
