import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask, stop } from '../processes.mjs';
import { round, spread } from '../statistics.mjs';
import { rss, startAegis, withScratch } from './aegis.mjs';

const ENDS = fileURLToPath(new URL('./websocket-ends.mjs', import.meta.url));
/** Before the first look: what the first connections alone make the process load is not theirs. */
const WARM = 200;
const SETTLE_MS = 5000;

function end(role) {
  const script = 'ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec "$@"';
  return spawn('/bin/sh', ['-c', script, 'sh', process.execPath, ENDS, role], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

export const websockets = {
  about:
    'Idle WebSockets through the gateway, clients and server in other processes; resident memory of the gateway alone.',
  options: { rounds: 5, sockets: 10_000 },
  async run({ rounds, sockets }) {
    return await withScratch(async (scratch) => {
      const each = [];
      for (let i = 0; i < rounds; i += 1) {
        const { open, bytes } = await hold(`${scratch}/${i}`, sockets);
        if (open !== sockets + WARM) throw new Error(`only ${open} of ${sockets + WARM} stayed open`);
        each.push(bytes / sockets / 1024);
        console.log(`round ${i + 1}: ${open} open, ${each.at(-1).toFixed(1)} KB each`);
      }
      const { median, min, max } = spread(each, 1);
      const note = `${min}–${max} KB; ${sockets} held open, each time by a new gateway`;
      return {
        measured: { kilobytes: each.map((value) => round(value, 2)) },
        rows: [{ what: 'memory of an idle WebSocket', value: median, unit: ' KB', must: 20, note }],
      };
    });
  },
};

async function hold(folder, count) {
  const children = [];
  try {
    const server = end('server');
    children.push(server);
    const [{ port: upstream }] = await once(server, 'message');
    const aegis = await startAegis({
      folder,
      config: {
        gateway: {
          limits: { connections: 2 * count },
          drain: '1s',
          upstreams: [{ name: 'shop', targets: [`http://127.0.0.1:${upstream}`] }],
          routes: [{ name: 'shop', path: '/shop', upstream: 'shop' }],
        },
      },
    });
    children.push(aegis.child);
    const clients = end('clients');
    children.push(clients);
    await ask(clients, { port: aegis.port, count: WARM });
    await sleep(SETTLE_MS);
    const before = rss(aegis.child.pid);
    await ask(clients, { port: aegis.port, count });
    await sleep(SETTLE_MS);
    const { open } = await ask(clients, { port: aegis.port, count: 0 });
    return { open, bytes: rss(aegis.child.pid) - before };
  } finally {
    await Promise.all(children.toReversed().map(stop));
  }
}
