import { spread } from '../statistics.mjs';
import { startAegis, withScratch } from './aegis.mjs';

const config = { gateway: { routes: [{ path: '/', respond: { status: 200, body: 'ok' } }] } };

export const startup = {
  about:
    'From starting the process to the first 200 of /health/ready, with the embedded database that is there already.',
  options: { rounds: 7 },
  async run({ rounds }) {
    return await withScratch(async (folder) => {
      const took = [];
      for (let i = 0; i <= rounds; i += 1) {
        const aegis = await startAegis({ folder, config });
        await aegis.stop();
        took.push(aegis.tookMs / 1000);
        console.log(`start ${i + 1}: ${took.at(-1).toFixed(2)} s`);
      }
      const [first, ...later] = took;
      const again = spread(later, 2);
      const note = `${again.min}–${again.max} s; the very first start, which sets the database up, ${first.toFixed(2)} s`;
      return {
        measured: { first, again },
        rows: [{ what: 'start to ready', value: again.median, unit: ' s', must: 2, note }],
      };
    });
  },
};
