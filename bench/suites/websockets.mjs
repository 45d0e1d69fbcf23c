import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findRedisServer } from '../../scripts/redis-server.mjs';
import { ask, freePort, stop } from '../processes.mjs';
import { round, spread } from '../statistics.mjs';
import { rss, startAegis, withScratch } from './aegis.mjs';

const ENDS = fileURLToPath(new URL('./websocket-ends.mjs', import.meta.url));
/** Before the first look: what the first connections alone make the process load is not theirs. */
const WARM = 200;
const SETTLE_MS = 5000;
/** Beside the connections: files, pipes, the database. */
const OTHER_FILES = 200;

function end(role) {
  const script = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec "$@"';
  return spawn('/bin/sh', ['-c', script, 'sh', process.execPath, ENDS, role], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

export const websockets = {
  about:
    'Idle WebSockets through the gateway, clients and server in other processes; resident memory of the gateway alone. Where a process may not have enough files open, two workers hold them.',
  options: { rounds: 5, sockets: 10_000 },
  async run({ rounds, sockets }) {
    const workers = 2 * (sockets + WARM) + OTHER_FILES > filesAllowed() ? 2 : 1;
    return await withScratch(async (scratch) => {
      const each = [];
      for (let i = 0; i < rounds; i += 1) {
        const { open, bytes } = await hold(`${scratch}/${i}`, sockets, workers);
        if (open !== sockets + WARM) throw new Error(`only ${open} of ${sockets + WARM} stayed open`);
        each.push(bytes / sockets / 1024);
        console.log(`round ${i + 1}: ${open} open, ${each.at(-1).toFixed(1)} KB each`);
      }
      const { median, min, max } = spread(each, 1);
      const note = `${min}–${max} KB; ${sockets} held open, each time by a new gateway with ${workers} worker${workers === 1 ? '' : 's'}`;
      return {
        measured: { kilobytes: each.map((value) => round(value, 2)) },
        rows: [{ what: 'memory of an idle WebSocket', value: median, unit: ' KB', must: 20, note }],
      };
    });
  },
};

function filesAllowed() {
  const [most] = execFileSync('/bin/sh', ['-c', 'ulimit -n 65536 2>/dev/null; ulimit -H -n'], {
    encoding: 'utf8',
  }).split('\n');
  return most === 'unlimited' ? Infinity : Number(most);
}

/** Of the gateway's own processes, without its database. */
function residentMemory({ pid }) {
  const children = execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
  const own = children.filter((child) => readlinkSync(`/proc/${child}/exe`) === readlinkSync(`/proc/${pid}/exe`));
  return [pid, ...own].reduce((sum, each) => sum + rss(each), 0);
}

async function hold(folder, count, workers) {
  const children = [];
  try {
    const redis = await freePort();
    if (workers > 1) {
      const settings = ['--port', String(redis), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
      children.push(spawn(findRedisServer(), settings, { stdio: 'ignore' }));
    }
    const server = end('server');
    children.push(server);
    const [{ port: upstream }] = await once(server, 'message');
    const aegis = await startAegis({
      folder,
      config: {
        gateway: {
          workers,
          limits: { connections: 2 * count },
          drain: '1s',
          upstreams: [{ name: 'shop', targets: [`http://127.0.0.1:${upstream}`] }],
          routes: [{ name: 'shop', path: '/shop', upstream: 'shop' }],
        },
        ...(workers > 1 && { redis: { url: `redis://127.0.0.1:${redis}` } }),
      },
    });
    children.push(aegis.child);
    const clients = end('clients');
    children.push(clients);
    await ask(clients, { port: aegis.port, count: WARM });
    await sleep(SETTLE_MS);
    const before = residentMemory(aegis.child);
    await ask(clients, { port: aegis.port, count });
    await sleep(SETTLE_MS);
    const { open } = await ask(clients, { port: aegis.port, count: 0 });
    return { open, bytes: residentMemory(aegis.child) - before };
  } finally {
    await Promise.all(children.toReversed().map(stop));
  }
}
