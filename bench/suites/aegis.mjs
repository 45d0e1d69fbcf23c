// Aegis from dist with a configuration of its own, for the measurements that have no peer.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, stop } from '../processes.mjs';

const program = fileURLToPath(new URL('../../dist/run/gateway.js', import.meta.url));
const READY_MS = 60_000;

/** A folder for the time of a measurement; PostgreSQL, which runs as another user below root, has to pass through it. */
export async function withScratch(work) {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-bench-'));
  chmodSync(folder, 0o755);
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves when it is ready, with the milliseconds that this took. `core`: where it is pinned to, if anywhere. */
export async function startAegis({ folder, config, core, env = {} }) {
  if (!existsSync(program)) throw new Error('not built: npm run build');
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const { gateway, ...rest } = config;
  const whole = { gateway: { host: '127.0.0.1', port, ...gateway }, monitoring: { logs: { access: false } }, ...rest };
  writeFileSync(join(folder, 'aegis.config.yaml'), JSON.stringify(whole));
  const log = openSync(join(folder, 'output.log'), 'w');
  // As `npm start` starts it.
  const args = [
    '--max-semi-space-size=64',
    program,
    '--config',
    join(folder, 'aegis.config.yaml'),
    '--data-dir',
    join(folder, 'data'),
  ];
  // As many open files as we may have: connections are files.
  const script = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec "$@"';
  const pinned = core === undefined ? [] : ['taskset', '-c', String(core)];
  const began = performance.now();
  const child = spawn('/bin/sh', ['-c', script, 'sh', ...pinned, process.execPath, ...args], {
    stdio: ['ignore', log, log],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  });
  while (!(await isReady(port))) {
    if (child.exitCode !== null || performance.now() - began > READY_MS) {
      await stop(child);
      throw new Error(`Aegis does not start:\n${readFileSync(join(folder, 'output.log'), 'utf8').slice(-1500)}`);
    }
    await sleep(5);
  }
  return { child, port, tookMs: performance.now() - began, stop: () => stop(child) };
}

async function isReady(port) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`, { headers: { connection: 'close' } });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** Resident memory of this process alone, in bytes. */
export function rss(pid) {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes) * 1024;
}
