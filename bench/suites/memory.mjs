import { setTimeout as sleep } from 'node:timers/promises';
import { ask, startLoad, stop } from '../processes.mjs';
import { round, spread } from '../statistics.mjs';
import { rss, startAegis, withScratch } from './aegis.mjs';

const CONNECTIONS = 64;
const EVERY_MS = 500;

const config = (upstream) => ({
  gateway: {
    upstreams: [{ name: 'shop', targets: [`http://127.0.0.1:${upstream}`] }],
    routes: [{ name: 'shop', path: '/shop', upstream: 'shop' }],
  },
});

export const memory = {
  about:
    'Resident memory of the gateway under full load: the last tenth of the time over the first tenth after a tenth.',
  options: { minutes: 10 },
  async run({ minutes }) {
    return await withScratch(async (folder) => {
      const { child: generator, upstream } = await startLoad(0, false);
      let aegis;
      try {
        aegis = await startAegis({ folder, config: config(upstream), core: 1 });
        const length = minutes * 60_000;
        const loading = ask(generator, { port: aegis.port, connections: CONNECTIONS, ms: length, latencies: false });
        const began = performance.now();
        const samples = [];
        while (performance.now() - began < length) {
          samples.push({ at: (performance.now() - began) / length, bytes: rss(aegis.child.pid) });
          await sleep(EVERY_MS);
        }
        const { requests, failures, firstFailure } = await loading;
        if (failures > 0) throw new Error(`${failures} wrong answers, the first: ${firstFailure}`);
        const part = (from, to) =>
          spread(
            samples.filter(({ at }) => at >= from && at < to).map(({ bytes }) => bytes / 1e6),
            1,
          );
        const [early, late] = [part(0.1, 0.2), part(0.9, 1)];
        const note = `${early.median} MB (${early.min}–${early.max}) then ${late.median} MB (${late.min}–${late.max}); ${requests} requests in ${minutes} min`;
        const what = `after ${minutes} min ÷ after ${round(minutes / 10, 1)} min`;
        return {
          measured: { early, late, requests },
          rows: [{ what, value: round(late.median / early.median, 3), unit: '×', must: 1.05, note }],
        };
      } finally {
        await aegis?.stop();
        await stop(generator);
      }
    });
  },
};
