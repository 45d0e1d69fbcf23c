/**
 * `npm run test:chaos`: faults under load, with real gateways, targets, PostgreSQL and Redis on loopback. Prints a table,
 * and fails when a row of it does not hold. With names it runs those scenarios alone: `npm run test:chaos -- target-killed`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { buildWhenStale } from '../../scripts/build-when-stale.mjs';
import { findRedisServer } from '../../scripts/redis-server.mjs';

/** `minutes`: it has failed when it is not over by then. */
const scenarios = [
  ...['killed', 'hung', 'slow', 'flapping', 'dns', 'resets'].map((fault) => ({
    name: `target-${fault}`,
    file: 'target-faults.mjs',
    args: [fault],
    minutes: 2,
  })),
  { name: 'reloads', file: 'reloads.mjs', args: [], minutes: 5 },
  { name: 'redis-faults', file: 'rate-limit-redis-faults.mjs', args: [], minutes: 5 },
  { name: 'redis-failover', file: 'rate-limit-redis-failover.mjs', args: [], minutes: 6 },
  { name: 'limits-exact', file: 'rate-limit-exactness.mjs', args: [], minutes: 6 },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  console.error(`No scenario ${unknown.join(', ')}. There are: ${scenarios.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}

await buildWhenStale();
let redisServer = '';
try {
  redisServer = findRedisServer();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const rows = [];
for (const scenario of scenarios) {
  if (wanted.length > 0 && !wanted.includes(scenario.name)) continue;
  console.log(`\n── ${scenario.name}`);
  rows.push(...(await run(scenario)));
}
console.log(`\n${table(rows)}\n`);
const broken = rows.filter(({ holds }) => !holds).length;
console.log(`${rows.length - broken} hold, ${broken} do not`);
process.exitCode = broken > 0 ? 1 : 0;

/** The rows of a scenario. One that ends badly without having said so in a row gets a row for that. */
async function run({ name, file, args, minutes }) {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, REDIS_SERVER: redisServer },
  });
  const found = [];
  child.on('message', (row) => found.push({ name, ...row }));
  const late = setTimeout(() => child.kill('SIGKILL'), minutes * 60_000);
  const [code, signal] = await once(child, 'exit');
  clearTimeout(late);
  const told = found.some(({ holds }) => !holds);
  if ((code !== 0 && !told) || found.length === 0) {
    const why = signal === null ? `it ended with ${code}` : `it was not over after ${minutes} minutes`;
    found.push({ name, what: why, sent: 0, failed: 0, again: null, allowed: '', holds: false });
  }
  return found;
}

function table(found) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(['scenario', 'what was done', 'requests', 'failed', 'right again after', 'allowed', 'holds']),
    line(['---', '---', '---:', '---:', '---:', '---', '---']),
    ...found.map(({ name, what, sent, failed, again, allowed, holds }) =>
      line([name, what, sent, failed, again === null ? '–' : `${Math.round(again)} ms`, allowed, holds ? 'yes' : 'NO']),
    ),
  ].join('\n');
}
