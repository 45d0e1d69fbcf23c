// Starting, awaiting and ending what takes part in a measurement.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const PATH = '/shop/items/42?expand=stock';
const START_MS = 60_000;
const STOP_MS = 10_000;

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts clients and upstream on `core`; the upstream's port comes with it. */
export async function startLoad(core, busy) {
  const file = fileURLToPath(new URL('./load.mjs', import.meta.url));
  const args = ['-c', String(core), process.execPath, file, ...(busy ? ['--busy'] : [])];
  const child = spawn('taskset', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ port }] = await once(child, 'message');
  return { child, upstream: port };
}

/** One job for the load process and its counts. */
export async function ask(child, job) {
  child.send(job);
  const [result] = await once(child, 'message');
  return result;
}

async function answers(url, headers) {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(2000),
      headers: { connection: 'close', ...headers },
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * Starts a contestant on `core` and waits until it proxies.
 * @param {import('./contestants.mjs').Contestant} contestant
 */
export async function start(contestant, { core, upstream, node, dir }) {
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const launch = contestant.launch({ port, upstream, dir, node });
  for (const [name, text] of Object.entries(launch.files ?? {})) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  const log = openSync(`${dir}/output.log`, 'w');
  const child = spawn('taskset', ['-c', String(core), launch.command, ...launch.args], {
    cwd: dir,
    stdio: ['ignore', log, log],
    env: { ...process.env, PORT: String(port), ...launch.env },
  });
  closeSync(log);
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_MS;
  while (!(
    (launch.ready === undefined || (await answers(url + launch.ready))) &&
    (await answers(url + PATH, launch.headers))
  )) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop(child);
      const output = readFileSync(`${dir}/output.log`, 'utf8').slice(-1500);
      throw new Error(`${contestant.name} does not proxy (exit code ${child.exitCode}). Its output ends:\n${output}`);
    }
    await sleep(100);
  }
  return { contestant, child, port };
}

/** Ends a child with SIGTERM, and with SIGKILL if it does not go. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(kill);
}
