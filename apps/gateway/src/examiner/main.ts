import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { Bench } from './bench.js';
import { type FileToRead, readFile } from './file-reading.js';
import { type Told } from './messages.js';

// The thread that documents are examined on, or a large file is read. Linux has priorities of threads: what is proxied goes first.
if (process.platform === 'linux') setPriority(5);

const file = workerData as FileToRead | null | undefined;
if (file != null) await readFile(file.read, (part) => parentPort?.postMessage(part));
else {
  const bench = new Bench();
  parentPort?.on('message', (told: Told) => {
    const said = bench.hear(told);
    if (said !== null) parentPort?.postMessage(said);
  });
}
