/**
 * Redis is killed and comes back, and hangs and goes on, under a steady load on three gateways.
 * `node test/chaos/rate-limit-redis-faults.mjs [seconds that it is away, default 60]`, after `npm run build`.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startRedis } from '#testing';
import { busiestSecond, countsInRedisAgain, load, shown, startGateways } from './rate-limit-load.mjs';
import { must, row } from './report.mjs';

const away = Number(process.argv[2] ?? 60);
const GATEWAYS = 3;
const LIMIT = 120;

const EXPECTED = {
  local: 'each gateway enforces its share',
  allow: 'all are admitted',
  deny: 'all are refused with 503',
};

for (const [choice, fault, seconds] of [
  ['local', 'killed', away],
  ['local', 'hung', away / 4],
  ['deny', 'killed', away / 4],
  ['allow', 'killed', away / 4],
]) {
  await run(choice, fault, Math.max(5, seconds));
}

async function run(choice, fault, seconds) {
  console.log(`\nRedis ${fault} for ${seconds} s, onStoreFailure: ${choice} (${EXPECTED[choice]})`);
  const redis = await startRedis();
  const fleet = await startGateways(GATEWAYS, {
    redis: { url: redis.url },
    rateLimiting: {
      onStoreFailure: choice,
      rules: [{ name: 'steady', path: '/*', algorithm: 'fixed-window', limit: LIMIT, window: '1s', key: 'ip' }],
    },
  });
  await fleet.haveMet();
  const answers = [];
  let lost = 0;
  const loading = load(fleet.urls, {
    path: '/',
    connections: 8,
    every: 40,
    seconds: 5 + seconds + 8,
    seen: (status, headers, gateway, tookMs) => answers.push({ at: Date.now(), status, tookMs }),
    failed: () => lost++,
  });
  await pause(5000);
  const went = Date.now();
  if (fault === 'killed') await redis.kill();
  else redis.pause();
  await pause(seconds * 1000);
  if (fault === 'killed') await redis.restart();
  else redis.resume();
  const back = Date.now();
  const told = await Promise.all(fleet.gateways.map((gateway) => countsInRedisAgain(gateway)));
  const shared = Math.max(...told) - back;
  await loading;

  const before = answers.filter(({ at }) => at < went);
  const turning = answers.filter(({ at }) => at >= went && at < went + 1000);
  const during = answers.filter(({ at }) => at >= went + 1000 && at < back);
  const after = answers.filter(({ at }) => at >= back + 2000);
  for (const [name, part] of Object.entries({ before, 'first second': turning, during, after }))
    console.log(shown(name, part));
  must(lost === 0, `no request was lost (${lost} of ${answers.length + lost})`);
  if (choice === 'local') {
    const most = busiestSecond(during);
    must(
      most <= LIMIT * GATEWAYS,
      `while it was away at most ${most} were admitted in a second; limit × gateways is ${LIMIT * GATEWAYS}`,
    );
    must(most <= LIMIT * 1.2, `and that is the limit, ${LIMIT}, since each gateway enforced its share`);
  } else {
    const expected = choice === 'deny' ? 503 : 200;
    must(
      during.every(({ status }) => status === expected),
      `while it was away all were answered with ${expected}`,
    );
  }
  must(shared <= 2000, `limits were shared again ${shared} ms after it was back`);
  const seen = Math.ceil((after.at(-1).at - after[0].at) / 1000) + 1;
  const admitted = after.filter(({ status }) => status === 200).length;
  must(admitted <= seen * LIMIT, `and then ${admitted} were admitted in ${seen} windows: ≤ ${seen * LIMIT}`);
  await fleet.stop();
  await redis.stop();
  row({
    what: `Redis ${fault} for ${seconds} s, onStoreFailure: ${choice}`,
    sent: answers.length + lost,
    failed: lost,
    again: shared,
    allowed: `nothing lost; ${EXPECTED[choice]}; limits shared ≤ 2 s after it is back`,
  });
}
