// Configurations of Aegis, or other proxies, measured in turn under the same load: CPU per request of one over another's.
import { writeFileSync } from 'node:fs';
import { coresCpu, treeCpu } from '../cpu.mjs';
import { ask, start, startLoad, stop } from '../processes.mjs';
import { round, spread } from '../statistics.mjs';
import { startAegis, withScratch } from './aegis.mjs';

const LOAD_CORE = 0;
const PROXY_CORE = 1;
const CONNECTIONS = 64;
/** Requests until V8 has settled, and the seconds that this may take. */
const WARM = 150_000;
const WARM_S = 40;

/**
 * @param {{ name: string, config?: (upstream: number) => object, contestant?: import('../contestants.mjs').Contestant,
 *   targets?: string[], fields?: string[], status?: number,
 *   prepare?: (port: number, folder: string) => Promise<unknown> }[]} variants each is Aegis with `config`, or a contestant;
 *   `fields`: of the requests, in turn; the first is the base
 */
export async function compare(variants, { rounds, seconds }) {
  return await withScratch(async (scratch) => {
    const { child: generator, upstream } = await startLoad(LOAD_CORE, false);
    const running = [];
    try {
      for (const { name, config, contestant, targets, fields, status, prepare } of variants) {
        const dir = `${scratch}/${name}`;
        const aegis =
          contestant === undefined
            ? await startAegis({ folder: dir, config: config(upstream), core: PROXY_CORE })
            : await startContestant(contestant, upstream, dir);
        const file = fields && `${dir}/fields.txt`;
        if (fields) writeFileSync(file, fields.join('\n'));
        running.push({ name, targets, fields: file, status, aegis, cpu: [], rps: [] });
        await prepare?.(aegis.port, dir);
        await warm(generator, running.at(-1));
      }
      const disturbances = [];
      for (let i = 0; i < rounds; i += 1) {
        // Each goes first as often as the other.
        for (const entry of i % 2 === 0 ? running : running.toReversed()) {
          disturbances.push(await measure(generator, entry, seconds));
        }
        console.log(`round ${i + 1}: ${running.map(({ name, cpu }) => `${name} ${round(cpu[i], 1)}`).join(', ')} µs`);
      }
      const [base, ...others] = running;
      return {
        disturbance: spread(disturbances, 3),
        microseconds: Object.fromEntries(running.map(({ name, cpu }) => [name, spread(cpu, 2)])),
        requestsPerSecond: Object.fromEntries(running.map(({ name, rps }) => [name, spread(rps, 0)])),
        ratios: Object.fromEntries(
          others.map(({ name, cpu }) => [
            name,
            spread(
              cpu.map((value, i) => value / base.cpu[i]),
              3,
            ),
          ]),
        ),
      };
    } finally {
      await Promise.all([...running.map(({ aegis }) => aegis.stop()), stop(generator)]);
    }
  });
}

async function startContestant(contestant, upstream, dir) {
  const { child, port } = await start(contestant, { core: PROXY_CORE, upstream, node: process.execPath, dir });
  return { child, port, stop: () => stop(child) };
}

async function warm(generator, entry) {
  const until = performance.now() + WARM_S * 1000;
  for (let requests = 0; requests < WARM && performance.now() < until;) {
    requests += (await load(generator, entry, 1)).requests;
  }
}

async function load(generator, { name, targets, fields, status, aegis }, seconds) {
  const { port } = aegis;
  const job = { port, connections: CONNECTIONS, ms: seconds * 1000, latencies: false, targets, fields, status };
  const result = await ask(generator, job);
  if (result.failures > 0) {
    throw new Error(`${name}: ${result.failures} wrong answers, the first: ${result.firstFailure}`);
  }
  return result;
}

/** Notes what it took; the share of the two cores that went to other programs meanwhile. */
async function measure(generator, entry, seconds) {
  const read = () => ({
    proxy: treeCpu(entry.aegis.child.pid),
    load: treeCpu(generator.pid),
    cores: coresCpu([LOAD_CORE, PROXY_CORE]),
  });
  const before = read();
  const { requests, seconds: took } = await load(generator, entry, seconds);
  const after = read();
  const proxy = after.proxy - before.proxy;
  entry.cpu.push(proxy / requests);
  entry.rps.push(requests / took);
  return Math.max(0, after.cores - before.cores - proxy - (after.load - before.load)) / (took * 2_000_000);
}

/** A row that compares the variant with the base. */
export function ratioRow(what, measured, [base, variant], must) {
  const { microseconds, ratios, disturbance } = measured;
  const { median, min, max } = ratios[variant];
  const note =
    `${microseconds[variant].median} µs and ${microseconds[base].median} µs; ratios ${min}–${max}; ` +
    `other programs had ${(disturbance.median * 100).toFixed(0)}% of both cores`;
  return { what, value: median, unit: '×', must, note };
}
