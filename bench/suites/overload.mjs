import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask, stop } from '../processes.mjs';
import { round, spread } from '../statistics.mjs';
import { startAegis, withScratch } from './aegis.mjs';

const TIMES = 3;
const PATIENCE_MS = 1000;
const CALIBRATION_S = 4;

const program = (name) => fileURLToPath(new URL(name, import.meta.url));

export const overload = {
  about:
    'A real upstream with a fixed number of workers at three times what it can do, clients that give up after a second and retry thrice, concurrency: adaptive. Goodput: what was served in time, over what the same upstream serves straight to saturating clients.',
  options: { rounds: 5, seconds: 20, workers: 16, milliseconds: 100 },
  async run(settings) {
    const { rounds, seconds, workers, milliseconds } = settings;
    return await withScratch(async (folder) => {
      const upstream = fork(program('./overload-upstream.mjs'), [String(workers), String(milliseconds)]);
      const [{ port: target }] = await once(upstream, 'message');
      const clients = fork(program('./overload-clients.mjs'));
      await once(clients, 'message');
      let aegis;
      try {
        aegis = await startAegis({
          folder,
          config: {
            gateway: {
              upstreams: [{ name: 'shop', targets: [`http://127.0.0.1:${target}`], concurrency: 'adaptive' }],
              routes: [{ name: 'shop', path: '/shop', upstream: 'shop' }],
            },
          },
        });
        const found = [];
        for (let i = 0; i < rounds; i += 1) {
          const straight = { port: target, connections: 2 * workers, seconds: CALIBRATION_S };
          const before = (await ask(clients, straight)).served / CALIBRATION_S;
          const { taken: from } = await ask(upstream, {});
          const perSecond = (TIMES * workers * 1000) / milliseconds;
          const counts = await ask(clients, { port: aegis.port, perSecond, seconds, patience: PATIENCE_MS });
          const { taken: to } = await ask(upstream, {});
          const after = (await ask(clients, straight)).served / CALIBRATION_S;
          const capacity = (before + after) / 2;
          const goodput = counts.served / seconds / capacity;
          found.push({ goodput: round(goodput, 4), capacity, reached: to - from, ...counts });
          console.log(
            `round ${i + 1}: ${(goodput * 100).toFixed(1)}% of ${capacity.toFixed(0)}/s; ${JSON.stringify(counts)}`,
          );
          await sleep(1000);
        }
        const { median, min, max } = spread(
          found.map(({ goodput }) => goodput * 100),
          1,
        );
        const clientsPerSecond = spread(
          found.map((each) => each.clients / seconds),
          0,
        ).median;
        const attempts = spread(
          found.map((each) => each.attempts / seconds),
          0,
        ).median;
        const able = spread(
          found.map((each) => each.capacity),
          0,
        ).median;
        const note = `${min}–${max}%; ${clientsPerSecond} clients and ${attempts} attempts a second on an upstream that can do ${able} (${workers} workers, ${milliseconds} ms)`;
        return {
          measured: found,
          rows: [{ what: 'goodput at 3× overload', value: median, unit: '%', must: 95, atLeast: true, note }],
        };
      } finally {
        await Promise.all([aegis?.stop(), stop(clients), stop(upstream)]);
      }
    });
  },
};
