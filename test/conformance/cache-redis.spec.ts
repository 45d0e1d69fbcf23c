import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '#testing';
import { type Answer, CacheStage, type Reply, type Sent } from './cache/cache-stage.js';

let redis: RedisServer;
let client: Redis;
let stage: CacheStage;

beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
  client.on('error', () => undefined);
  stage = await CacheStage.open(
    (upstream) => ({
      gateway: {
        compression: false,
        upstreams: [{ name: 'origin', targets: [upstream], retry: 'off', breaker: 'off', health: 'off' }],
        routes: [{ path: '/', upstream: 'origin', cache: { ttl: '30s', staleWhileRevalidate: '0s' } }],
      },
    }),
    { instances: 2, env: { REDIS_URL: redis.url, AEGIS__REDIS__KEYPREFIX: 'shop:' } },
  );
}, 90_000);

afterAll(async () => {
  await stage.close();
  client.disconnect();
  await redis.stop();
});

let paths = 0;

function replying(reply: Reply): string {
  const path = `/r/${++paths}`;
  stage.replies.set(path, reply);
  return path;
}

function counting(headers: Record<string, string> = { 'cache-control': 'max-age=60' }): Reply {
  let count = 0;
  return (res) => void res.writeHead(200, headers).end(`answer ${++count}`);
}

/** By the first or the second instance, under the name that both are known by. */
async function ask(path: string, instance: 0 | 1, { headers = {}, ...sent }: Sent = {}): Promise<Answer> {
  const gateway = stage.gateways[instance];
  if (gateway === undefined) throw new Error('there is no such instance');
  return await stage.ask(path, { ...sent, headers: { host: 'shop.example', ...headers }, gateway });
}

const cacheStatus = ({ headers }: Answer): string => String(headers['cache-status']);

/** What is kept is written behind the answer. */
async function untilHit(path: string, instance: 0 | 1, headers: Sent['headers'] = {}): Promise<Answer> {
  for (;;) {
    const answer = await ask(path, instance, { headers: { 'cache-control': 'only-if-cached', ...headers } });
    if (answer.status === 200) return answer;
    await turn();
  }
}

describe('two instances with one Redis', () => {
  it('share what either has fetched', async () => {
    const path = replying(counting());
    await ask(path, 0);
    const answer = await untilHit(path, 1);
    expect([answer.body, cacheStatus(answer)]).toEqual(['answer 1', expect.stringMatching(/^Aegis; hit; ttl=\d+$/)]);
    expect(stage.asked(path)).toHaveLength(1);
  });

  it('share bodies byte by byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256));
    const path = replying((res) => void res.writeHead(200, { 'cache-control': 'max-age=60' }).end(bytes));
    await ask(path, 0);
    expect(Buffer.from((await untilHit(path, 1)).body, 'latin1').equals(bytes)).toBe(true);
  });

  it('share variants', async () => {
    const path = replying((res, req) => {
      res
        .writeHead(200, { 'cache-control': 'max-age=60', vary: 'accept-language' })
        .end(req.headers['accept-language']);
    });
    for (const language of ['de', 'fr']) await ask(path, 0, { headers: { 'accept-language': language } });
    for (const language of ['de', 'fr']) {
      const answer = await untilHit(path, 1, { 'accept-language': language });
      expect([answer.body, cacheStatus(answer)]).toEqual([language, expect.stringMatching(/hit/)]);
    }
    expect(cacheStatus(await ask(path, 1, { headers: { 'accept-language': 'it' } }))).toMatch(/fwd=vary-miss/);
    expect(stage.asked(path)).toHaveLength(3);
  });

  it('keep few variants of a key', async () => {
    const path = replying(counting({ 'cache-control': 'max-age=60', vary: 'x-any' }));
    for (let i = 0; i < 40; i++) await ask(path, 0, { headers: { 'x-any': String(i) } });
    const keys = await client.keys('shop:cache:response:*');
    const lengths = await Promise.all(keys.map(async (key) => await client.hlen(key)));
    expect(Math.max(...lengths)).toBe(33);
  });

  it('end what either has changed', async () => {
    const path = replying(counting());
    await ask(path, 0);
    await untilHit(path, 1);
    await ask(path, 1, { method: 'DELETE' });
    expect(cacheStatus(await ask(path, 0))).toMatch(/fwd=uri-miss/);
  });

  it('do not bring back what the other has changed meanwhile', async () => {
    let release = (): void => undefined;
    const path = replying((res, req) => {
      if (req.method === 'POST') res.end();
      else release = () => void res.writeHead(200, { 'cache-control': 'max-age=60' }).end('before');
    });
    const before = ask(path, 0);
    await stage.askedTimes(path, 1);
    await ask(path, 1, { method: 'POST' });
    release();
    await before;
    stage.replies.set(path, counting());
    expect((await ask(path, 1)).body).toBe('answer 1');
    expect((await ask(path, 0)).body).toMatch(/answer/);
  });

  it('make an answer fresh for each other', async () => {
    const path = replying((res, req) => {
      if (req.headers['if-none-match'] === '"a"') res.writeHead(304, { 'cache-control': 'max-age=60' }).end();
      else res.writeHead(200, { 'cache-control': 'max-age=10', age: '15', etag: '"a"' }).end('text');
    });
    await ask(path, 0);
    while (!/fwd=stale; fwd-status=304/.test(cacheStatus(await ask(path, 1)))) await turn();
    expect((await untilHit(path, 0)).body).toBe('text');
  });

  it('leave nothing in Redis that does not end, and nothing without the prefix', async () => {
    const keys = await client.keys('*cache*');
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(key).toMatch(/^shop:cache:response:\{[\w-]{43}\}$/);
      const left = await client.pttl(key);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(86_400_000);
    }
  });

  it('take what somebody else wrote there for nothing', async () => {
    const path = replying(counting());
    await client.flushall();
    await ask(path, 0);
    await untilHit(path, 0);
    const [key = ''] = await client.keys('shop:cache:response:*');
    await client.hset(key, 'g', 'rubbish');
    expect(cacheStatus(await ask(path, 0))).toMatch(/fwd=vary-miss; fwd-status=200; stored/);
    await client.del(key);
    await client.set(key, 'of another type');
    expect((await ask(path, 0)).status).toBe(200);
    await client.del(key);
  });
});

describe('a Redis that is away', () => {
  it.each<readonly [string, () => unknown, () => unknown]>([
    ['hangs', () => redis.pause(), () => redis.resume()],
    ['is gone', async () => await redis.kill(), async () => await redis.restart()],
  ])('is a miss, and no more than that: it %s', async (_says, lose, find) => {
    const path = replying(counting());
    await ask(path, 0);
    await untilHit(path, 0);
    await lose();
    try {
      for (let i = 0; i < 20; i++) expect((await ask(path, 0)).status).toBe(200);
      expect(cacheStatus(await ask(path, 0))).toMatch(/fwd=uri-miss; fwd-status=200; stored/);
    } finally {
      await find();
    }
    stage.replies.set(path, counting());
    // Whoever keeps asking gets it from there again.
    while (!/hit/.test(cacheStatus(await ask(path, 0)))) await turn();
  });
});
