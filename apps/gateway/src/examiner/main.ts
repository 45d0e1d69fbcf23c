import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { Bench } from './bench.js';
import { type Told } from './messages.js';

// The thread that documents are examined on. Linux has priorities of threads: what is proxied goes first.
if (process.platform === 'linux') setPriority(5);

const bench = new Bench();
parentPort?.on('message', (told: Told) => {
  const said = bench.hear(told);
  if (said !== null) parentPort?.postMessage(said);
});
