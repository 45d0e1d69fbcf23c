import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { asking, callers, varying } from './cache/asking.js';
import { CacheStage } from './cache/cache-stage.js';
import { play } from './cache/steps.js';
import { statuses, storing } from './cache/storing.js';
import { conditions, failing, methods, revalidation } from './cache/validating.js';

let stage: CacheStage;

beforeAll(async () => {
  stage = await CacheStage.open((upstream) => ({
    gateway: {
      compression: false,
      upstreams: [{ name: 'origin', targets: [upstream], retry: 'off', breaker: 'off', health: 'off' }],
      routes: [{ path: '/', upstream: 'origin', cache: { ttl: '30s', staleWhileRevalidate: '0s' } }],
    },
  }));
}, 60_000);

afterAll(async () => {
  await stage.close();
});

let cases = 0;

describe.each([
  ['which answers are stored', storing],
  ['which statuses are stored', statuses],
  ['what a request asks of the cache', asking],
  ['callers that are known', callers],
  ['answers that vary', varying],
  ['a condition of the client', conditions],
  ['a stale answer', revalidation],
  ['an upstream that fails', failing],
  ['methods', methods],
])('%s', (_area, list) => {
  it.each([...list])('%s', async (_says, steps) => {
    await play(stage, `/case-${++cases}`, steps);
  });
});
