import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { Bench } from './bench.js';
import { type FileToRead, readFile } from './file-reading.js';
import { type Told } from './messages.js';

// The thread that a large file is read on, or documents are examined.
const file = workerData as FileToRead | null | undefined;
if (file != null) await readFile(file.read, (part) => parentPort?.postMessage(part));
else {
  // Linux has priorities of threads: what is proxied goes before what anybody may send.
  if (process.platform === 'linux') setPriority(5);
  const bench = new Bench();
  parentPort?.on('message', (told: Told) => {
    const said = bench.hear(told);
    if (said !== null) parentPort?.postMessage(said);
  });
}
