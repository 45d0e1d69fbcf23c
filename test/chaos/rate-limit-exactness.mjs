/**
 * Four gateways, 64 connections each, one key, a real Redis: what is admitted is the limit, not one more.
 * `node test/chaos/rate-limit-exactness.mjs [seconds for each part, default 30]`, after `npm run build`.
 */
import { Redis } from 'ioredis';
import { startRedis } from '#testing';
import { load, startGateways } from './rate-limit-load.mjs';
import { must, row } from './report.mjs';

const seconds = Number(process.argv[2] ?? 30);
const GATEWAYS = 4;
const CONNECTIONS = 64;
const LIMIT = 200;
const LEASED = 400;
const WINDOW_US = 1e6;

const server = await startRedis();
const redis = new Redis(server.url);

const rule = (name, algorithm, limit) => ({ name, path: `/${name}`, algorithm, limit, window: '1s', key: 'ip' });
const algorithms = ['fixed-window', 'sliding-window', 'token-bucket'];

async function serverTime() {
  const [s, us] = await redis.time();
  return Number(s) * 1e6 + Number(us);
}

let requests = 0;
let failures = 0;

/** Hammers the rule of that name; what was admitted, how often each rest was told, and the server's times around it. */
async function hammer({ gateways, urls }, name) {
  const remaining = new Map();
  let admitted = 0;
  let refused = 0;
  const other = new Map();
  const begin = await serverTime();
  await load(urls, {
    path: `/${name}`,
    connections: CONNECTIONS,
    seconds,
    seen(status, headers) {
      if (status === 200) {
        admitted++;
        const left = Number(headers['x-ratelimit-remaining']);
        remaining.set(left, (remaining.get(left) ?? 0) + 1);
      } else if (status === 429) refused++;
      else other.set(status, (other.get(status) ?? 0) + 1);
    },
    failed: (error) => other.set(error.code, (other.get(error.code) ?? 0) + 1),
  });
  const end = await serverTime();
  const windows = Math.floor(end / WINDOW_US) - Math.floor(begin / WINDOW_US) + 1;
  console.log(`\n${name}: ${admitted} admitted, ${refused} refused, in ${((end - begin) / 1e6).toFixed(1)} s`);
  must(other.size === 0, `nothing else was answered (${[...other].join(' ') || 'nothing'})`);
  must(refused > admitted, 'the key was hammered: more was refused than admitted');
  const away = gateways.flatMap(({ stdout }) => stdout.filter((line) => line.includes('Redis')));
  must(away.length === 0, `Redis was there all the time (${away.join('\n') || 'nobody missed it'})`);
  requests += admitted + refused;
  failures += [...other.values()].reduce((sum, count) => sum + count, 0);
  return { admitted, remaining, begin, end, windows };
}

const exact = await startGateways(GATEWAYS, {
  redis: { url: server.url },
  rateLimiting: { headers: ['legacy'], rules: algorithms.map((each) => rule(each, each, LIMIT)) },
});
{
  const { admitted, remaining, windows } = await hammer(exact, 'fixed-window');
  const times = [...remaining.values()];
  must(
    times.every((count) => count <= windows),
    `no rest was told more often than the ${windows} windows that there were`,
  );
  must(remaining.size === LIMIT, `every rest from ${LIMIT - 1} to 0 was told`);
  // The first and the last window may be cut off; every one between them has its whole limit.
  must(Math.min(...times) >= windows - 2, `every window between the first and the last admitted exactly ${LIMIT}`);
  must(admitted <= windows * LIMIT, `${admitted} ≤ ${windows} × ${LIMIT}`);
}
{
  const { admitted, begin, end } = await hammer(exact, 'sliding-window');
  const most = (Math.floor((end - begin) / WINDOW_US) + 1) * LIMIT;
  must(admitted <= most, `${admitted} ≤ ${most}, the limit for each window that fits into the time, and one`);
  must(admitted >= most - 2 * LIMIT, 'and hardly less');
}
{
  const { admitted, begin, end } = await hammer(exact, 'token-bucket');
  const most = LIMIT + (LIMIT * (end - begin)) / WINDOW_US;
  must(admitted <= most, `${admitted} ≤ burst + rate × time = ${most.toFixed(0)}`);
  must(admitted >= most * 0.97, 'and hardly less');
}
await exact.stop();

const leased = await startGateways(GATEWAYS, {
  redis: { url: server.url },
  rateLimiting: {
    accuracy: 'leased',
    headers: ['legacy'],
    rules: algorithms.map((each) => rule(`leased-${each}`, each, LEASED)),
  },
});
await leased.haveMet();
{
  const { admitted, windows } = await hammer(leased, 'leased-fixed-window');
  must(admitted <= windows * LEASED, `${admitted} ≤ ${windows} × ${LEASED}: a lease ends with its window`);
}
for (const name of ['leased-sliding-window', 'leased-token-bucket']) {
  const { admitted, begin, end } = await hammer(leased, name);
  const most = LEASED + (LEASED * (end - begin)) / WINDOW_US;
  must(admitted <= most + LEASED * 0.05, `${admitted} ≤ ${most.toFixed(0)} and 5% of the limit`);
}
await leased.stop();
row({
  what: `${GATEWAYS} gateways with ${CONNECTIONS} connections each hammer one key, three algorithms, exact and leased`,
  sent: requests,
  failed: failures,
  allowed: 'exact: the limit; leased: 5% more',
});
redis.disconnect();
await server.stop();
