import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  type RecordingUpstream,
  type RedisServer,
  type SpawnedGateway,
  spawnGateway,
  startRedis,
  startUpstream,
  StoppablePostgres,
  within,
} from '#testing';

const SLOW = 120_000;
const SOON_MS = 2_000;

interface Made {
  readonly id: string;
  readonly key: string;
}

let postgres: StoppablePostgres;
let redis: RedisServer;
let upstream: RecordingUpstream;
let gateways: readonly [SpawnedGateway, SpawnedGateway];
let consumers = 0;
let consumer: string;

beforeAll(async () => {
  [postgres, redis, upstream] = await Promise.all([StoppablePostgres.start(), startRedis(), startUpstream()]);
  const config = {
    gateway: {
      upstreams: [{ name: 'main', targets: [upstream.url] }],
      routes: [
        { name: 'keys', path: '/keys', upstream: 'main', auth: 'required' },
        { name: 'scoped', path: '/scoped', upstream: 'main', auth: { scopes: ['orders'] } },
      ],
    },
  };
  const env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url };
  gateways = await Promise.all([spawnGateway({ config, env }), spawnGateway({ config, env })]);
}, SLOW);

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await Promise.all([upstream.stop(), redis.stop(), postgres.stop()]);
}, SLOW);

beforeEach(async () => {
  consumer = `consumer-${consumers++}`;
  expect(await admin('PUT', `consumers/${consumer}`, { plan: 'gold' })).toMatchObject({ status: 201 });
});

async function admin(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${gateways[0].url}/api/admin/${path}`, {
    method,
    headers: { 'x-api-key': gateways[0].adminKey, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

async function makeKey(settings: object = {}): Promise<Made> {
  const { status, body } = await admin('POST', `consumers/${consumer}/keys`, settings);
  expect(status).toBe(201);
  return body as Made;
}

async function call(gateway: SpawnedGateway, key: string, path = '/keys'): Promise<number> {
  const response = await fetch(gateway.url + path, { headers: { 'x-api-key': key } });
  await response.arrayBuffer();
  return response.status;
}

async function onBoth(key: string, path?: string): Promise<number[]> {
  return await Promise.all(gateways.map((gateway) => call(gateway, key, path)));
}

/** What it answered last, asked until it is no longer 200 or the time is over. */
async function untilRefused(gateway: SpawnedGateway, key: string, ms: number): Promise<number> {
  let last = 0;
  await within(ms, async () => (last = await call(gateway, key)) !== 200);
  return last;
}

async function refusedOnBoth(key: string): Promise<number[]> {
  return await Promise.all(gateways.map((gateway) => untilRefused(gateway, key, SOON_MS)));
}

/** Good on both until then, and on neither soon after: however late we look, none refuses it before its end. */
async function endsOnBoth(key: string, end: number): Promise<void> {
  const ends = gateways.map(async (gateway) => {
    while ((await call(gateway, key)) === 200) if (Date.now() > end) return await untilRefused(gateway, key, SOON_MS);
    expect(Date.now()).toBeGreaterThanOrEqual(end);
    return 401;
  });
  expect(await Promise.all(ends)).toEqual([401, 401]);
}

function nameOf(key: string): string {
  return `auth:apikey:{${createHash('sha256').update(key).digest('hex')}}`;
}

async function inRedis<T>(work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(redis.url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

describe('a key of two gateways on one PostgreSQL and one Redis', () => {
  it('is kept under its hash for a while, with nothing secret, when one of them has looked it up', async () => {
    const { key } = await makeKey();
    expect(await call(gateways[0], key)).toBe(200);
    await inRedis(async (client) => {
      const value = (await client.get(nameOf(key))) ?? '';
      expect(value).toContain(consumer);
      expect(value).not.toContain(key);
      expect(await client.pttl(nameOf(key))).toBeGreaterThan(0);
    });
    expect(await onBoth(key)).toEqual([200, 200]);
  });

  it('is nobody’s by what somebody wrote to Redis', async () => {
    const { key } = await makeKey();
    expect(await call(gateways[0], key)).toBe(200);
    await inRedis(async (client) => {
      await client.set(nameOf('forged'), (await client.get(nameOf(key))) ?? '');
    });
    expect(await onBoth('forged')).toEqual([401, 401]);
  });

  it('works beside the one that takes its place until the overlap ends, and on neither after that', async () => {
    const old = await makeKey();
    expect(await onBoth(old.key)).toEqual([200, 200]);
    const rotatedAt = Date.now();
    const rotated = await admin('POST', `consumers/${consumer}/keys/${old.id}/rotate`, { overlap: '1500ms' });
    expect(rotated.status).toBe(201);
    const { key } = rotated.body as Made;
    expect(await onBoth(key)).toEqual([200, 200]);
    await endsOnBoth(old.key, rotatedAt + 1_500);
    expect(await onBoth(key)).toEqual([200, 200]);
  });

  it('that was revoked on one is refused by both within two seconds, and whoever holds another is not disturbed', async () => {
    const [gone, other] = [await makeKey(), await makeKey()];
    expect([...(await onBoth(gone.key)), ...(await onBoth(other.key))]).toEqual([200, 200, 200, 200]);
    expect(await admin('DELETE', `consumers/${consumer}/keys/${gone.id}`)).toMatchObject({ status: 204 });
    expect(await refusedOnBoth(gone.key)).toEqual([401, 401]);
    expect(await onBoth(other.key)).toEqual([200, 200]);
  });

  it('goes with its consumer, on both', async () => {
    const { key } = await makeKey();
    expect(await onBoth(key)).toEqual([200, 200]);
    expect(await admin('DELETE', `consumers/${consumer}`)).toMatchObject({ status: 204 });
    expect(await refusedOnBoth(key)).toEqual([401, 401]);
  });

  it('ends when it expires, on both', async () => {
    const madeAt = Date.now();
    const { key } = await makeKey({ expiresIn: '2s' });
    await endsOnBoth(key, madeAt + 2_000);
  });

  it('is for its scopes only', async () => {
    const [scoped, plain] = [await makeKey({ scopes: ['orders'] }), await makeKey()];
    expect(await onBoth(scoped.key, '/scoped')).toEqual([200, 200]);
    expect(await onBoth(plain.key, '/scoped')).toEqual([403, 403]);
  });

  it('has the plan and the roles that its consumer has now', async () => {
    const { key } = await makeKey();
    expect(await onBoth(key)).toEqual([200, 200]);
    expect(upstream.requests.at(-1)?.headers['x-consumer-roles']).toBeUndefined();
    expect(await admin('PUT', `consumers/${consumer}`, { roles: ['clerk'] })).toMatchObject({ status: 200 });
    for (const gateway of gateways) {
      let roles: unknown;
      await within(SOON_MS, async () => {
        expect(await call(gateway, key)).toBe(200);
        roles = upstream.requests.at(-1)?.headers['x-consumer-roles'];
        return roles === 'clerk';
      });
      expect(roles).toBe('clerk');
    }
  });

  it('says when it was last used', async () => {
    const { id, key } = await makeKey();
    const lastUsed = async (): Promise<string | null> => {
      const { body } = await admin('GET', `consumers/${consumer}/keys`);
      const { items } = body as { items: { id: string; lastUsedAt: string | null }[] };
      return items.find((each) => each.id === id)?.lastUsedAt ?? null;
    };
    expect(await lastUsed()).toBeNull();
    expect(await call(gateways[1], key)).toBe(200);
    // It is written beside the request; the timeout of the test is the deadline.
    let used = await lastUsed();
    while (used === null) used = await lastUsed();
    expect(Date.parse(used)).toBeGreaterThan(Date.now() - SLOW);
  });
});

describe('without Redis', () => {
  it.each([
    ['gone', async () => await redis.kill(), async () => await redis.restart()],
    ['hanging', pause, resume],
  ])('nothing changes for callers while it is %s', async (_, away, back) => {
    const [known, fresh, gone] = [await makeKey(), await makeKey(), await makeKey()];
    expect([...(await onBoth(known.key)), ...(await onBoth(gone.key))]).toEqual([200, 200, 200, 200]);
    await away();
    try {
      expect([...(await onBoth(known.key)), ...(await onBoth(fresh.key))]).toEqual([200, 200, 200, 200]);
      expect(await admin('DELETE', `consumers/${consumer}/keys/${gone.id}`)).toMatchObject({ status: 204 });
      expect(await refusedOnBoth(gone.key)).toEqual([401, 401]);
      expect(await onBoth(known.key)).toEqual([200, 200]);
    } finally {
      await back();
    }
    expect([...(await onBoth(known.key)), ...(await onBoth(gone.key))]).toEqual([200, 200, 401, 401]);
  });
});

describe('without PostgreSQL', () => {
  it('keys that either of them knew work on both, and others are 503, never 401', async () => {
    const [one, other, unused] = [await makeKey(), await makeKey(), await makeKey()];
    await inRedis(async (client) => await untilKept(client, one.key, other.key));
    await postgres.stop();
    expect(await onBoth('unknown')).toEqual([503, 503]);
    expect(await onBoth(unused.key)).toEqual([503, 503]);
    for (const { key } of [one, other]) {
      // Where Redis seems slow, as it may on a busy machine, nobody knows the key for a moment.
      for (const gateway of gateways) while ((await call(gateway, key)) === 503);
      expect(await onBoth(key)).toEqual([200, 200]);
    }
    await postgres.startAgain();
    for (const gateway of gateways) while ((await call(gateway, unused.key)) === 503);
    expect([...(await onBoth(unused.key)), ...(await onBoth(one.key))]).toEqual([200, 200, 200, 200]);
  });
});

function pause(): Promise<void> {
  redis.pause();
  return Promise.resolve();
}

function resume(): Promise<void> {
  redis.resume();
  return Promise.resolve();
}

/** Redis may have come back a moment ago, and each finds that out by itself; a change has it read its key again. */
async function untilKept(client: Redis, first: string, second: string): Promise<void> {
  const names = [nameOf(first), nameOf(second)];
  for (let tries = 0; ; tries++) {
    expect([await call(gateways[0], first), await call(gateways[1], second)]).toEqual([200, 200]);
    if ((await client.exists(...names)) === names.length) return;
    await client.del(...names);
    await admin('PATCH', `consumers/${consumer}`, { plan: `plan-${tries}` });
  }
}
