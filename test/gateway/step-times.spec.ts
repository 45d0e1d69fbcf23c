import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashPassword } from '#auth';
import {
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';

const VIEWER = 'key-of-a-viewer';
const SHOPPER = 'key-of-a-shopper';
const PASSWORD = 'pass of the shopper';

let database: TestDatabase;
let upstream: RecordingUpstream;
let gateway: SpawnedGateway;

beforeAll(async () => {
  [database, upstream] = await Promise.all([
    startPostgres().then((postgres) => postgres.createDatabase()),
    startUpstream((_req, res) => res.setHeader('Cache-Control', 'max-age=60').end('answered')),
  ]);
  const keyOf = (name: string, roles: string[], key: string): object => ({
    name,
    roles,
    apiKeys: [{ hash: `sha256:${createHash('sha256').update(key).digest('hex')}` }],
  });
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        trustedProxies: ['127.0.0.1/32'],
        routes: [
          { path: '/open', upstream: upstream.url },
          { path: '/closed', upstream: upstream.url, auth: 'required' },
          { path: '/password', upstream: upstream.url, auth: { methods: ['basic'] } },
          { path: '/kept', upstream: upstream.url, cache: { ttl: '1m' } },
          { path: '/fixed', respond: { status: 200, body: 'fixed' } },
        ],
      },
      auth: {
        consumers: [
          keyOf('viewer', ['viewer'], VIEWER),
          { ...keyOf('shopper', ['user'], SHOPPER), basic: [{ hash: await hashPassword(PASSWORD) }] },
        ],
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await Promise.all([database.drop(), upstream.stop()]);
});

async function steps(
  path: string,
  token: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; names: string[]; took: number[] } | null> {
  const answer = await fetch(gateway.url + path, { headers: { 'x-aegis-debug': token, ...headers } });
  await answer.text();
  const timing = answer.headers.get('server-timing');
  if (timing === null) return null;
  const told = timing.split(', ').map((each) => /^([a-z]+);dur=(\d+\.\d{3})$/.exec(each));
  return {
    status: answer.status,
    names: told.map((each) => each?.[1] ?? 'unreadable'),
    took: told.map((each) => Number(each?.[2])),
  };
}

describe('X-Aegis-Debug', () => {
  it('tells whoever may read the status how long each step took', async () => {
    const told = await steps('/open', gateway.adminKey);
    expect(told?.names).toEqual([
      ...['route', 'debug', 'address', 'authentication', 'authorization', 'limits', 'connect', 'upstream', 'total'],
    ]);
    const took = told?.took ?? [];
    const total = took.pop() ?? 0;
    expect(took.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(total, 1);
    expect((await steps('/open', VIEWER))?.names).toContain('upstream');
  });

  it('works with a token that Aegis gave', async () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_secret: VIEWER });
    const given = await fetch(`${gateway.url}/api/admin/oauth/token`, { method: 'POST', body });
    const { access_token: token } = (await given.json()) as { access_token: string };
    expect((await steps('/open', token))?.names).toContain('upstream');
  });

  it('is told with refusals, stored and fixed answers too', async () => {
    expect(await steps('/closed', VIEWER)).toMatchObject({
      status: 401,
      names: ['route', 'debug', 'address', 'authentication', 'total'],
    });
    expect((await steps('/kept', VIEWER))?.names).toContain('upstream');
    const stored = (await steps('/kept', VIEWER))?.names;
    expect(stored).toContain('cache');
    expect(stored).not.toContain('upstream');
    expect((await steps('/fixed', VIEWER))?.names.slice(-2)).toEqual(['limits', 'total']);
    const { headers } = await fetch(`${gateway.url}/kept`);
    expect(headers.get('age')).not.toBeNull();
    expect(headers.get('server-timing')).toBeNull();
  });

  it('is not told to others, and their requests go on as without it', async () => {
    upstream.requests.length = 0;
    for (const token of [SHOPPER, 'no key at all', '']) expect(await steps('/open', token)).toBeNull();
    expect(upstream.requests).toHaveLength(3);
  });

  it('says nothing of who sends the request', async () => {
    expect((await steps('/closed', VIEWER))?.status).toBe(401);
    expect((await steps('/closed', VIEWER, { 'x-api-key': SHOPPER }))?.status).toBe(200);
    expect(upstream.requests.at(-1)?.headers['x-consumer-name']).toBe('shopper');
  });

  it('never reaches upstreams or the log', async () => {
    await steps('/open', VIEWER);
    expect(Object.keys(upstream.requests.at(-1)?.headers ?? {})).not.toContain('x-aegis-debug');
    expect([...gateway.stdout, ...gateway.stderr].join('\n')).not.toContain(VIEWER);
  });

  it('is no way to guess keys: after too many the right one is not believed, and requests still go on', async () => {
    const from = { 'x-forwarded-for': '10.3.0.1' };
    for (let i = 0; i < 25; i++) expect(await steps('/open', `guess ${i}`, from)).toBeNull();
    upstream.requests.length = 0;
    for (const right of [VIEWER, gateway.adminKey]) expect(await steps('/open', right, from)).toBeNull();
    expect(upstream.requests).toHaveLength(2);
    expect((await steps('/open', VIEWER, { 'x-forwarded-for': '10.3.0.2' }))?.status).toBe(200);
  });
});

describe('a client that leaves while its credential is looked at', () => {
  it('has nothing begun for it', async () => {
    upstream.requests.length = 0;
    const credential = Buffer.from(`shopper:${PASSWORD}`).toString('base64');
    const socket = connect(gateway.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`GET /password/left HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${credential}\r\n\r\n`);
    await new Promise<void>((written) => socket.end(written));
    socket.resetAndDestroy();
    const answer = await fetch(`${gateway.url}/password/stayed`, { headers: { authorization: `Basic ${credential}` } });
    expect(answer.status).toBe(200);
    expect(upstream.requests.map(({ url }) => url)).toEqual(['/password/stayed']);
  });
});
