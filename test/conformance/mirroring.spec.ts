import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Asked, NOBODY, plainUpstream, type Reply, reset, silence, Stage, status } from './stage.js';

const SHADOW = { upstream: 'v2' };

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open((at) => ({
    upstreams: [plainUpstream('pair', at.v2, at.v3), plainUpstream('nobody', NOBODY)],
    routes: [
      { path: '/mirrored', upstream: 'v1', mirror: SHADOW },
      { path: '/not-mirrored', upstream: 'v1' },
      {
        path: '/changed',
        upstream: 'v1',
        mirror: SHADOW,
        rewrite: { stripPrefix: '/changed', prefix: '/new', host: 'inside.example' },
        request: { headers: { set: { 'x-set': 'new' }, add: { 'x-add': 'b' }, remove: ['x-remove'] } },
      },
      { path: '/own-host', upstream: 'v1', mirror: SHADOW, rewrite: { host: 'upstream' } },
      { path: '/to-pair', upstream: 'v1', mirror: { upstream: 'pair' } },
      { path: '/to-nobody', upstream: 'v1', mirror: { upstream: 'nobody' } },
      { path: '/to-itself', upstream: 'v1', mirror: { upstream: 'v1' } },
      { path: '/half', upstream: 'v1', mirror: { ...SHADOW, percent: '50%' } },
      { path: '/tenth', upstream: 'v1', mirror: { ...SHADOW, percent: '10%' } },
      { path: '/none', upstream: 'v1', mirror: { ...SHADOW, percent: '0%' } },
      {
        path: '/split',
        upstream: [
          { upstream: 'v1', weight: 1 },
          { upstream: 'v3', weight: 1 },
        ],
        mirror: SHADOW,
      },
    ],
  }));
}, 60_000);

afterAll(async () => {
  await stage.close();
});

beforeEach(() => {
  stage.forget();
});

/** Headers that each of two requests has for itself. */
const OF_ITS_OWN = new Set(['traceparent']);

describe('the copy of a mirrored request', () => {
  it.each<readonly [string, Asked]>([
    ['a GET', { path: '/mirrored' }],
    ['its path and query', { path: '/mirrored/a%20b/c%2Fd?q=1&q=2' }],
    ['a HEAD', { method: 'HEAD', path: '/mirrored' }],
    ['a DELETE', { method: 'DELETE', path: '/mirrored/7' }],
    ['its host', { host: 'shop.example:81', path: '/mirrored' }],
    ['its headers', { path: '/mirrored', headers: { 'x-one': 'a', 'x-two': ['b', 'c'], cookie: 'd=e' } }],
    ['a body with a length', { method: 'POST', path: '/mirrored', body: 'text', headers: { 'content-length': 4 } }],
    [
      'a body in chunks',
      { method: 'PUT', path: '/mirrored', body: 'in chunks', headers: { 'transfer-encoding': 'chunked' } },
    ],
    ['a body of 50,000 bytes', { method: 'POST', path: '/mirrored', body: 'x'.repeat(50_000) }],
    [
      'the path and headers as the route changes them',
      { path: '/changed/x', headers: { 'x-add': 'a', 'x-remove': 'r' } },
    ],
  ])('is like it: %s', async (_says, asked) => {
    const [original, copy] = [stage.v1.hears(), stage.v2.hears()];
    const answer = await stage.ask(asked);
    expect([answer.status, answer.from]).toEqual([200, 'v1']);
    const [[first], [second]] = [await original, await copy];
    for (const name of OF_ITS_OWN) {
      expect(second.headers[name]).toBeDefined();
    }
    expect(second).toEqual({ ...first, headers: { ...first.headers, ...own(second.headers) }, fields: second.fields });
    expect([second.method, second.body]).toEqual([asked.method ?? 'GET', asked.body ?? '']);
  });

  it('has the path, the host and the headers that the route says', async () => {
    const copy = stage.v2.hears();
    await stage.ask({ path: '/changed/x?q', headers: { 'x-add': 'a', 'x-remove': 'r' } });
    const [{ url, headers }] = await copy;
    expect(url).toBe('/new/x?q');
    expect(headers).toMatchObject({ host: 'inside.example', 'x-set': 'new', 'x-add': 'a, b' });
    expect(headers['x-remove']).toBeUndefined();
  });

  it('has the host of its own target where the route says so', async () => {
    const copy = stage.v2.hears();
    const seen = await stage.seen({ path: '/own-host' });
    expect(seen.headers['host']).toBe(new URL(stage.v1.server.url).host);
    expect((await copy)[0].headers['host']).toBe(new URL(stage.v2.server.url).host);
  });

  it('has the request id of the original', async () => {
    const copy = stage.v2.hears();
    const seen = await stage.seen({ path: '/mirrored', headers: { 'x-request-id': 'mine' } });
    expect([seen.headers['x-request-id'], (await copy)[0].headers['x-request-id']]).toEqual(['mine', 'mine']);
  });

  it('goes to one target of its upstream only', async () => {
    for (let i = 0; i < 4; i++) {
      const copy = Promise.race([stage.v2.hears(), stage.v3.hears()]);
      await stage.ask({ path: '/to-pair' });
      await copy;
    }
    expect(stage.v2.asked.length + stage.v3.asked.length).toBe(4);
  });

  it('goes out whichever upstream of a split has the original', async () => {
    for (let i = 0; i < 6; i++) {
      const copy = stage.v2.hears();
      await stage.ask({ path: '/split' });
      await copy;
    }
    expect(stage.v1.asked.length + stage.v3.asked.length).toBe(6);
    expect(stage.v2.asked.length).toBe(6);
  });

  it('may go to the upstream of the original', async () => {
    const twice = arrivals(stage.v1, 2);
    expect(await stage.whoAnswers({ path: '/to-itself' })).toBe('v1');
    await twice;
  });
});

function own(headers: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries([...OF_ITS_OWN].map((name) => [name, headers[name]]));
}

async function arrivals(upstream: Stage['v1'], count: number): Promise<void> {
  while (upstream.asked.length < count) await upstream.hears();
}

describe('the client of a mirrored request', () => {
  it.each<readonly [string, Reply]>([
    ['answers 500', status(500, { 'x-from': 'the mirror' })],
    ['answers 302', status(302, { location: 'http://elsewhere.example/' })],
    ['answers with much', (res) => res.end('x'.repeat(1_000_000))],
    ['breaks the connection', reset],
    ['never answers', silence],
    ['breaks off in its answer', (res) => res.write('half', () => void res.destroy())],
  ])('does not notice that the mirror %s', async (_says, reply) => {
    stage.v2.repliesWith(reply);
    const copies = arrivals(stage.v2, 2);
    const copy = stage.v2.hears();
    const answer = await stage.ask({ path: '/mirrored', method: 'POST', body: 'text' });
    await copy;
    expect([answer.status, answer.from, answer.headers['x-from']]).toEqual([200, 'v1', undefined]);
    expect(JSON.parse(answer.body)).toMatchObject({ method: 'POST', body: 'text' });
    expect(await stage.whoAnswers({ path: '/mirrored' })).toBe('v1');
    // Or the second copy would be one of the next test.
    await copies;
  });

  it('does not notice that nobody takes the copy', async () => {
    for (let i = 0; i < 3; i++) {
      expect(await stage.whoAnswers({ path: '/to-nobody', method: 'POST', body: 'text' })).toBe('v1');
    }
  });

  it('gets what the original is answered, whatever the mirror says', async () => {
    stage.v1.repliesWith(status(503));
    const copy = stage.v2.hears();
    expect((await stage.ask({ path: '/mirrored' })).status).toBe(503);
    await copy;
  });
});

describe('how many requests are mirrored', () => {
  it('is all of them, once each, unless the route says otherwise', async () => {
    const all = arrivals(stage.v2, 20);
    for (let i = 0; i < 20; i++) await stage.ask({ path: '/mirrored' });
    await all;
    expect([stage.v1.asked.length, stage.v2.asked.length]).toEqual([20, 20]);
  });

  it.each([
    ['half', '/half', 0.5],
    ['a tenth', '/tenth', 0.1],
  ])('is %s where the route says so', async (_says, path, share) => {
    const times = 200;
    for (let i = 0; i < times; i++) await stage.ask({ path });
    const last = heardOf(stage.v2, '/mirrored');
    await stage.ask({ path: '/mirrored' });
    await last;
    const copies = stage.v2.asked.filter(({ url }) => url === path);
    expect(Math.abs(copies.length / times - share)).toBeLessThanOrEqual(0.05);
  });

  it.each([
    ['the route says 0%', '/none'],
    ['another route of the upstream has a mirror', '/not-mirrored'],
  ])('is none where %s', async (_says, path) => {
    for (let i = 0; i < 10; i++) await stage.ask({ path });
    const last = heardOf(stage.v2, '/mirrored');
    await stage.ask({ path: '/mirrored' });
    await last;
    expect(stage.v2.asked.filter(({ url }) => url === path)).toEqual([]);
  });
});

/** A request that is mirrored in any case comes after all others. */
async function heardOf(upstream: Stage['v1'], url: string): Promise<void> {
  while (upstream.asked.every((each) => each.url !== url)) await upstream.hears();
}
