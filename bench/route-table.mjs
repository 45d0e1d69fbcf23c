/**
 * What it costs to normalise a path and to find its route, at 10, 1,000 and 10,000 routes: nanoseconds of CPU per call,
 * the median of interleaved rounds. Run `npm run build` first, then `node bench/route-table.mjs`.
 */
import { normalizePath } from '../dist/libs/gateway/src/routing/normalize-path.js';
import { RouteTable } from '../dist/libs/gateway/src/routing/route-table.js';

const ROUNDS = 9;
const CALLS = 200_000;
const SIZES = [10, 1_000, 10_000];
const NO_HEADERS = { headers: {} };

function route(name, kind, value, fields = {}) {
  return { name, hosts: [], path: { kind, value }, methods: [], headers: {}, query: {}, priority: 0, ...fields };
}

/** Every tenth route is a pattern; half have methods, and every fourth a host of its own. */
function routes(size) {
  return Array.from({ length: size }, (_, i) => {
    const methods = i % 2 === 0 ? [] : ['GET', 'POST'];
    const hosts = i % 4 === 3 ? [`api${i}.example.com`] : [];
    if (i % 10 === 0) return route(`r${i}`, 'pattern', `/api/service${i}/items/:id/details`, { methods, hosts });
    return route(`r${i}`, 'prefix', `/api/service${i}/items`, { methods, hosts });
  });
}

/** Paths spread over the whole table, as fresh strings: what a socket delivers was never looked up before. */
function paths(size, pathOf) {
  return Array.from({ length: 64 }, (_, k) => Buffer.from(pathOf(Math.floor((k * size) / 64))).toString('latin1'));
}

const prefixOf = (i) => (i % 10 === 0 || i % 4 === 3 ? i - (i % 10) + 1 : i);

const CASES = {
  'prefix, hit': { host: 'x.example.com', pathOf: (i) => `/api/service${prefixOf(i)}/items/4711/details` },
  'prefix, hit, own host': {
    hostOf: (i) => `api${i - (i % 20) + 3}.example.com:8080`,
    pathOf: (i) => `/api/service${i - (i % 20) + 3}/items/4711`,
  },
  'pattern with :id, hit': { host: 'x.example.com', pathOf: (i) => `/api/service${i - (i % 20)}/items/4711/details` },
  'no route (404)': { host: 'x.example.com', pathOf: (i) => `/api/service${i}x/items/4711` },
  'wrong method (405)': {
    host: 'x.example.com',
    method: 'PUT',
    pathOf: (i) => `/api/service${i - (i % 20) + 1}/items`,
  },
};

const NORMALIZE = {
  'normalise: nothing to do, 31 characters': '/api/service123/items/4711/data',
  'normalise: with a query': '/api/service123/items/4711?page=3&sort=name',
  'normalise: encoded unreserved': '/api/service123/%69tems/4711/data',
  'normalise: dot segments': '/api/./service123/x/../items//4711',
};

/** CPU time, which a busy machine falsifies least. */
function time(calls, run) {
  const start = process.cpuUsage();
  run(calls);
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1_000) / calls;
}

const runs = new Map();
let seen = 0;

for (const [name, path] of Object.entries(NORMALIZE)) {
  runs.set(name, (calls) => {
    for (let i = 0; i < calls; i++) seen += normalizePath(path).length;
  });
}
for (const size of SIZES) {
  const table = new RouteTable(routes(size));
  for (const [name, { host, hostOf, pathOf, method = 'GET' }] of Object.entries(CASES)) {
    const asked = paths(size, pathOf);
    const hosts = hostOf ? paths(size, hostOf) : asked.map(() => host);
    const wanted = name.endsWith('hit') || hostOf ? 'route' : name.includes('404') ? 'not_found' : 'method_not_allowed';
    const { kind } = table.match(method, hosts[63], asked[63], NO_HEADERS, '');
    if (kind !== wanted) throw new Error(`${name} at ${size} routes: ${kind}, not ${wanted}`);
    runs.set(`${name}|${size}`, (calls) => {
      for (let i = 0; i < calls; i++)
        seen += table.match(method, hosts[i & 63], asked[i & 63], NO_HEADERS, '').kind.length;
    });
  }
}

const samples = new Map([...runs.keys()].map((name) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, run] of runs) {
    const ns = time(CALLS, run);
    if (round > 0) samples.get(name).push(ns);
  }
}

const median = (name) => samples.get(name).sort((a, b) => a - b)[ROUNDS >> 1];
for (const name of Object.keys(NORMALIZE)) console.log(`${name.padEnd(42)} ${median(name).toFixed(0).padStart(6)} ns`);
console.log(`\n${'match'.padEnd(26)}${SIZES.map((size) => `${size} routes`.padStart(14)).join('')}`);
for (const name of Object.keys(CASES)) {
  const cells = SIZES.map((size) => `${median(`${name}|${size}`).toFixed(0)} ns`.padStart(14));
  console.log(name.padEnd(26) + cells.join(''));
}
if (seen === 0) throw new Error('nothing was measured');
