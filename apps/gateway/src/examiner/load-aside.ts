import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { areHarmless, fromPieces, loadConfig, type LoadOptions, type Piece } from '#config';
import { type FileToRead, type OfFile } from './file-reading.js';

const PROGRAM = createRequire(import.meta.url).resolve('#examiner-program');
/** A file that is read within some tens of milliseconds. */
const SMALL = 128 * 1024;

type Loaded = Awaited<ReturnType<typeof loadConfig>>;

/** As `loadConfig`; a large file is read on a thread of its own, while requests are answered. */
export async function loadAside(options: LoadOptions, small = SMALL): Promise<Loaded> {
  if (sizeOf(options.file) <= small) return await loadConfig(options);
  const loaded = await onThread(options).catch(() => null);
  // What the thread could not do, or what is for people to read, is done here.
  return loaded ?? (await loadConfig(options));
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

async function onThread(options: LoadOptions): Promise<Loaded | null> {
  const pieces: Piece[] = [];
  const last = await new Promise<Exclude<OfFile, { piece: Piece }>>((resolve, reject) => {
    const workerData: FileToRead = { read: options };
    const worker = new Worker(PROGRAM, { workerData, execArgv: [] });
    worker.unref();
    worker.on('message', (part: OfFile) => {
      if ('piece' in part) pieces.push(part.piece);
      else resolve(part);
    });
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('the thread ended before the file was read')));
  });
  if ('wrong' in last) return last.wrong;
  if (!(await areHarmless(last.expressions))) return null;
  const loaded = { ...fromPieces(pieces, options), ...last.right };
  // To serve it takes its time as well.
  await nextTurn();
  return loaded;
}
