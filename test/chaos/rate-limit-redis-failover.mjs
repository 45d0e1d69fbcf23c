/**
 * A master dies under Sentinels; a slot moves, and a master dies, in a Cluster; each under a steady load on three gateways.
 * `node test/chaos/rate-limit-redis-failover.mjs`, after `npm run build`.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { busiestSecond, countsInRedisAgain, load, shown, startGateways } from './rate-limit-load.mjs';
import { must, row } from './report.mjs';
import { startCluster, startSentinels } from './redis-fleets.mjs';

const GATEWAYS = 3;
const LIMIT = 120;
const KEY = 'ratelimit:fixed:{steady|ip=127.0.0.1}:1000';

await run('a master under three Sentinels is killed', startSentinels, (redis) => redis.failOver(), true);
await run(
  'a slot is moved in a Cluster of three masters',
  startCluster,
  async (redis) => redis.move(await redis.slotOf(KEY)),
  false,
);
await run(
  'a master of a Cluster is killed',
  startCluster,
  async (redis) => redis.failOver(await redis.slotOf(KEY)),
  true,
);

/** `goesAway`: nobody can count in Redis for a while. Otherwise every window has its exact limit throughout. */
async function run(what, start, fault, goesAway) {
  console.log(`\n${what}`);
  const redis = await start();
  const fleet = await startGateways(GATEWAYS, {
    redis: redis.config,
    rateLimiting: {
      rules: [{ name: 'steady', path: '/*', algorithm: 'fixed-window', limit: LIMIT, window: '1s', key: 'ip' }],
    },
  });
  await fleet.haveMet();
  const answers = [];
  let lost = 0;
  const stop = new AbortController();
  const loading = load(fleet.urls, {
    path: '/',
    connections: 8,
    every: 40,
    seconds: 60,
    signal: stop.signal,
    seen: (status, headers, gateway, tookMs) => answers.push({ at: Date.now(), status, tookMs }),
    failed: () => lost++,
  });
  await pause(4000);
  const went = Date.now();
  await fault(redis);
  const done = Date.now();
  const told = goesAway ? await Promise.all(fleet.gateways.map((gateway) => countsInRedisAgain(gateway))) : [done];
  const back = Math.max(done, ...told);
  await pause(6000);
  stop.abort();
  await loading;

  const parts = {
    before: answers.filter(({ at }) => at < went),
    meanwhile: answers.filter(({ at }) => at >= went && at < back),
    after: answers.filter(({ at }) => at >= back),
  };
  for (const [name, part] of Object.entries(parts)) console.log(shown(name, part));
  must(lost === 0, `no request was lost (${lost} of ${answers.length + lost})`);
  must(
    answers.every(({ status }) => status === 200 || status === 429),
    'all were answered with 200 or 429',
  );
  if (goesAway) {
    must(
      busiestSecond(parts.meanwhile) <= LIMIT * GATEWAYS,
      `meanwhile at most ${busiestSecond(parts.meanwhile)} were admitted in a second; limit × gateways is ${LIMIT * GATEWAYS}`,
    );
    must(
      back - done <= 2000,
      `the new master was there ${done - went} ms after the fault, and limits were shared again ${back - done} ms later`,
    );
    must(
      admitted(parts.after) <= windows(parts.after) * LIMIT,
      `then ${admitted(parts.after)} were admitted in ${windows(parts.after)} windows: ≤ ${windows(parts.after) * LIMIT}`,
    );
  } else {
    const all = [...parts.before, ...parts.meanwhile, ...parts.after];
    must(
      admitted(all) <= windows(all) * LIMIT,
      `it took ${done - went} ms; in all ${admitted(all)} were admitted in ${windows(all)} windows: ≤ ${windows(all) * LIMIT}`,
    );
  }
  await fleet.stop();
  await redis.stop();
  row({
    what,
    sent: answers.length + lost,
    failed: lost,
    again: goesAway ? back - done : null,
    allowed: goesAway
      ? 'nothing lost; limits shared ≤ 2 s after the new master'
      : 'nothing lost; the exact limit throughout',
  });
}

function admitted(answers) {
  return answers.filter(({ status }) => status === 200).length;
}

/** Windows of a second that these answers can have fallen into: one more than the ticks between, for answers on their way. */
function windows(answers) {
  return Math.floor(answers.at(-1).at / 1000) - Math.floor(answers[0].at / 1000) + 1 + 1;
}
