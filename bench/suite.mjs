// npm run bench -- --suite NAME: what docs/performance.md says of Aegis alone, each with what it must reach.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { auth } from './suites/auth.mjs';
import { limits } from './suites/limits.mjs';
import { memory } from './suites/memory.mjs';
import { overload } from './suites/overload.mjs';
import { pipeline } from './suites/pipeline.mjs';
import { policies } from './suites/policies.mjs';
import { routes } from './suites/routes.mjs';
import { startup } from './suites/startup.mjs';
import { timing } from './suites/timing.mjs';
import { websockets } from './suites/websockets.mjs';
import { workers } from './suites/workers.mjs';

/**
 * @typedef {{ what: string, value: number, unit: string, must: number, atLeast?: boolean, note: string }} Row
 * @type {Record<string, { about: string, options: Record<string, number>, run: (options: Record<string, number>) =>
 *   Promise<{ rows: Row[], measured: unknown }> }>}
 */
const suites = {
  routes,
  policies,
  pipeline,
  auth,
  timing,
  limits,
  workers,
  overload,
  websockets,
  startup,
  memory,
};

function usage() {
  const lines = Object.entries(suites).map(([name, { about, options }]) => {
    const settings = Object.entries(options).map(([option, value]) => ` [--${option} ${value}]`);
    return `  ${name}${settings.join('')}\n      ${about}`;
  });
  return `npm run bench -- --suite NAME [options] [--no-write]\n${lines.join('\n')}`;
}

const holds = ({ value, must, atLeast }) => (atLeast ? value >= must : value <= must);

function markdown({ topic, about, node, date, machine, settings, rows }) {
  const options = Object.entries(settings).map(([name, value]) => `--${name} ${value}`);
  const cells = rows.map((row) => {
    const bound = `${row.atLeast ? '≥' : '≤'} ${row.must}${row.unit}`;
    return `| ${row.what} | ${row.value}${row.unit} | ${bound} | ${holds(row) ? 'yes' : 'NO'} | ${row.note} |`;
  });
  return [
    `# ${topic}, Node.js ${node}, ${date}`,
    '',
    `${about} ${machine.cpu}, ${machine.cores} cores, ${machine.kernel}.`,
    '',
    `\`npm run bench -- --suite ${topic} ${options.join(' ')}\``,
    '',
    '| what | measured | must | holds | in detail |',
    '| --- | ---: | ---: | --- | --- |',
    ...cells,
    '',
  ].join('\n');
}

/** @param {string[]} args */
export async function runSuite([topic, ...args]) {
  const suite = suites[topic ?? ''];
  if (suite === undefined) {
    console.log(usage());
    process.exitCode = topic === undefined ? 0 : 1;
    return;
  }
  const { about, options, run } = suite;
  const { values } = parseArgs({
    args,
    options: {
      'no-write': { type: 'boolean', default: false },
      ...Object.fromEntries(
        Object.entries(options).map(([name, value]) => [name, { type: 'string', default: String(value) }]),
      ),
    },
  });
  const settings = Object.fromEntries(Object.keys(options).map((name) => [name, Number(values[name])]));
  for (const [name, value] of Object.entries(settings)) {
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not "${values[name]}"`);
  }
  const result = {
    topic,
    about,
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    machine: { cpu: cpus()[0].model, cores: cpus().length, kernel: release() },
    settings,
    ...(await run(settings)),
  };
  console.log(`\n${markdown(result)}`);
  if (!result.rows.every(holds)) process.exitCode = 1;
  if (values['no-write']) return;
  const folder = fileURLToPath(new URL('./results', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/${result.date}-${topic}-node${result.node}`;
  writeFileSync(`${file}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${file}.md`, markdown(result));
  console.log(`written: bench/results/${result.date}-${topic}-node${result.node}.{json,md}`);
}
