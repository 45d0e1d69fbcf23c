import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type Answer, CacheStage, type Reply } from './cache/cache-stage.js';

const KEY = 'a-key-of-this-test-only';
let stage: CacheStage;

function configOf(upstream: string, ttl = '30s') {
  const cache = { ttl, staleWhileRevalidate: '0s' };
  const upstreams = [{ name: 'origin', targets: [upstream], retry: 'off', breaker: 'off', health: 'off' }];
  return {
    gateway: {
      upstreams,
      trustedProxies: [],
      routes: [
        { path: '/c', upstream: 'origin', cache },
        { path: '/changing', upstream: 'origin', cache },
        { path: '/stays', upstream: 'origin', cache: { ttl: '31s' } },
        { path: '/swr', upstream: 'origin', cache: { ttl: '10s', staleWhileRevalidate: '60s' } },
        { path: '/small', upstream: 'origin', cache: { ...cache, maxBody: '1kb' } },
        { path: '/large', upstream: 'origin', cache: { ...cache, maxBody: '64mb' } },
        { path: '/heads', upstream: 'origin', cache: { ...cache, methods: ['GET', 'HEAD'] } },
        { path: '/cookies', upstream: 'origin', cache: { ...cache, vary: ['cookie'] } },
        { path: '/hurried', upstream: 'origin', cache, timeout: '300ms' },
        { path: '/known', upstream: 'origin', cache, auth: 'required', rateLimit: { limit: 1000, window: '24d' } },
        {
          path: '/dressed',
          upstream: 'origin',
          cache,
          cors: { origins: ['https://a.example', 'https://b.example'] },
          response: { headers: { set: { 'x-route': 'yes' }, remove: ['x-secret'] } },
        },
        { name: 'reads', path: '/split', methods: ['GET'], upstream: 'origin', cache },
        { name: 'writes', path: '/split', methods: ['PUT', 'HEAD'], upstream: 'origin' },
        { path: '/plain', upstream: 'origin' },
      ],
    },
    auth: {
      consumers: [{ name: 'one', apiKeys: [{ hash: `sha256:${createHash('sha256').update(KEY).digest('hex')}` }] }],
    },
  };
}

beforeAll(async () => {
  stage = await CacheStage.open((upstream) => configOf(upstream));
}, 60_000);

afterAll(async () => {
  await stage.close();
});

let paths = 0;

function replying(below: string, reply: Reply): string {
  const path = `${below}/${++paths}`;
  stage.replies.set(path, reply);
  return path;
}

/** Answers the nth request with the nth reply, and those after with the last. */
function inTurn(...replies: readonly Reply[]): Reply {
  let count = 0;
  return (res, req) => (replies[Math.min(count++, replies.length - 1)] as Reply)(res, req);
}

const says =
  (body: string, cacheControl = 'max-age=60', headers: Record<string, string> = {}): Reply =>
  (res) =>
    res.writeHead(200, { 'cache-control': cacheControl, 'content-type': 'text/plain', ...headers }).end(body);

/** Many at once, of which the first has reached the upstream, and all have reached the gateway. */
async function crowd(path: string, count: number, headers: (i: number) => Record<string, string> = () => ({})) {
  const first = stage.ask(path, { headers: headers(0) });
  await stage.askedTimes(path, 1);
  const others = Array.from({ length: count - 1 }, async (_, i) => await stage.ask(path, { headers: headers(i + 1) }));
  const passes = replying('/plain', says('passed'));
  for (let i = 0; i < 3; i++) await stage.ask(passes);
  return { first, others };
}

/** Holds the answer to the first request until it is let go. */
function held(then: Reply): { reply: Reply; release: () => void } {
  let release = (): void => undefined;
  const free = new Promise<void>((resolve) => (release = resolve));
  return { reply: (res, req) => void free.then(() => then(res, req)), release };
}

function statusesOf(answers: readonly Answer[]): string[] {
  return answers.map(({ headers }) => String(headers['cache-status']));
}

describe('many who ask the same', () => {
  it('make one request: 100 clients, one call upstream', async () => {
    const { reply, release } = held(says('one for all'));
    const path = replying('/c', reply);
    const { first, others } = await crowd(path, 100);
    release();
    const answers = await Promise.all([first, ...others]);
    expect(stage.asked(path)).toHaveLength(1);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 one for all']));
    const collapsed = statusesOf(answers).filter((status) => /^Aegis; fwd=uri-miss; ttl=\d+; collapsed$/.test(status));
    expect(collapsed).toHaveLength(99);
  });

  it('ask each for themselves what cannot be stored, and do not wait for it again', async () => {
    const { reply, release } = held(says('mine', 'no-store'));
    const path = replying('/c', inTurn(reply, says('theirs', 'no-store')));
    const { first, others } = await crowd(path, 5);
    release();
    await Promise.all([first, ...others]);
    expect(stage.asked(path)).toHaveLength(5);
    const { reply: slow } = held(says('never'));
    stage.replies.set(path, inTurn(slow, says('at once', 'no-store')));
    const stuck = stage.ask(path).catch(() => undefined);
    await stage.askedTimes(path, 6);
    expect((await stage.ask(path)).body).toBe('at once');
    stage.upstream.sockets.forEach((socket) => socket.destroy());
    await stuck;
  });

  it('are not failed by the one whose request fails', async () => {
    const { reply, release } = held((res) => res.socket?.end('this is not HTTP\r\n\r\n'));
    const path = replying('/c', inTurn(reply, says('well')));
    const { first, others } = await crowd(path, 4);
    release();
    expect((await first).status).toBe(502);
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('are not failed by an answer that breaks off', async () => {
    const { reply, release } = held((res) => {
      res.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': '100' });
      res.write('half', () => res.destroy());
    });
    const path = replying('/c', inTurn(reply, says('whole')));
    const { first, others } = await crowd(path, 4);
    release();
    await expect(first).rejects.toThrow();
    expect((await Promise.all(others)).map(({ body }) => body)).toEqual(['whole', 'whole', 'whole']);
    expect((await stage.ask(path)).body).toBe('whole');
  });

  it('are not failed by a client that leaves: the next one asks for all', async () => {
    const path = replying(
      '/c',
      inTurn(() => undefined, says('for the rest')),
    );
    const leader = request({ host: '127.0.0.1', port: stage.gateway.port, path }).end();
    leader.on('error', () => undefined);
    await stage.askedTimes(path, 1);
    const others = Array.from({ length: 10 }, async () => await stage.ask(path));
    const passes = replying('/plain', says('passed'));
    for (let i = 0; i < 3; i++) await stage.ask(passes);
    leader.destroy();
    expect((await Promise.all(others)).map(({ body }) => body)).toEqual(others.map(() => 'for the rest'));
    expect(stage.asked(path)).toHaveLength(2);
  });

  it('are not kept by a client that does not read', async () => {
    const body = 'x'.repeat(16_000_000);
    const { reply, release } = held(says(body));
    const path = replying('/large', reply);
    const leader = request({ host: '127.0.0.1', port: stage.gateway.port, path }).end();
    leader.on('response', (res) => res.pause());
    await stage.askedTimes(path, 1);
    const other = stage.ask(path);
    const passes = replying('/plain', says('passed'));
    for (let i = 0; i < 3; i++) await stage.ask(passes);
    release();
    expect((await other).body.length).toBe(body.length);
    expect(stage.asked(path)).toHaveLength(1);
    leader.destroy();
  });

  it('go on alone when the body grows above what is kept', async () => {
    const { reply, release } = held((res) => {
      res.writeHead(200, { 'cache-control': 'max-age=60' });
      res.write('x'.repeat(2000));
    });
    const path = replying('/small', inTurn(reply, says('short')));
    const leader = request({ host: '127.0.0.1', port: stage.gateway.port, path }).end();
    leader.on('response', (res) => res.resume()).on('error', () => undefined);
    await stage.askedTimes(path, 1);
    const other = stage.ask(path);
    release();
    expect((await other).body).toBe('short');
    leader.destroy();
  });

  it('wait only for the variant that they want', async () => {
    const { reply, release } = held((res, req) =>
      says(`in ${req.headers['accept-language'] ?? ''}`, 'max-age=60', { vary: 'accept-language' })(res, req),
    );
    const path = replying('/c', reply);
    const { first, others } = await crowd(path, 12, (i) => ({ 'accept-language': i % 2 === 0 ? 'de' : 'fr' }));
    release();
    const bodies = (await Promise.all([first, ...others])).map(({ body }) => body);
    expect(bodies).toEqual(bodies.map((_, i) => (i % 2 === 0 ? 'in de' : 'in fr')));
    expect(stage.asked(path)).toHaveLength(2);
  });

  it('wait only for the variant that they want, also those who come when its head is there', async () => {
    let finish = (): void => undefined;
    const path = replying('/c', (res, req) => {
      const language = req.headers['accept-language'] ?? '';
      res.writeHead(200, { 'cache-control': 'max-age=60', vary: 'accept-language' });
      if (language === 'fr') res.end('in fr');
      else {
        res.write('in ');
        finish = () => res.end(language);
      }
    });
    const leader = request({
      host: '127.0.0.1',
      port: stage.gateway.port,
      path,
      headers: { 'accept-language': 'de' },
    }).end();
    const [res] = (await once(leader, 'response')) as [IncomingMessage];
    res.resume();
    const same = stage.ask(path, { headers: { 'accept-language': 'de' } });
    expect((await stage.ask(path, { headers: { 'accept-language': 'fr' } })).body).toBe('in fr');
    finish();
    expect((await same).body).toBe('in de');
    expect(stage.asked(path)).toHaveLength(2);
  });

  it('wait no longer than their route allows', async () => {
    const path = replying('/hurried', () => undefined);
    const { first, others } = await crowd(path, 3);
    expect((await Promise.all([first, ...others])).map(({ status }) => status)).toEqual([504, 504, 504]);
  });

  it('with credentials do not get what is for others', async () => {
    const { reply, release } = held((res, req) => says(`for ${req.headers.authorization ?? 'all'}`)(res, req));
    const path = replying('/c', reply);
    const { first, others } = await crowd(path, 4, (i) => (i === 0 ? {} : { authorization: `Basic ${i}` }));
    release();
    expect((await Promise.all([first, ...others])).map(({ body }) => body)).toEqual([
      'for all',
      'for Basic 1',
      'for Basic 2',
      'for Basic 3',
    ]);
  });

  it('ask once for a fresh one: a 304 is for all', async () => {
    const { reply, release } = held((res) => res.writeHead(304, { etag: '"a"', 'cache-control': 'max-age=60' }).end());
    const path = replying('/c', inTurn(says('kept', 'max-age=10', { etag: '"a"', age: '15' }), reply));
    await stage.ask(path);
    const first = stage.ask(path);
    await stage.askedTimes(path, 2);
    const others = Array.from({ length: 9 }, async () => await stage.ask(path));
    const passes = replying('/plain', says('passed'));
    for (let i = 0; i < 3; i++) await stage.ask(passes);
    release();
    expect((await Promise.all([first, ...others])).map(({ body }) => body)).toEqual(
      Array.from({ length: 10 }, () => 'kept'),
    );
    expect(stage.asked(path)).toHaveLength(2);
  });

  it('are not brought an answer that was asked for before it was overtaken', async () => {
    const { reply, release } = held(says('before'));
    const path = replying('/c', inTurn(reply, says('changed'), says('after')));
    const first = stage.ask(path);
    await stage.askedTimes(path, 1);
    await stage.ask(path, { method: 'POST' });
    expect((await stage.ask(path)).body).toBe('after');
    release();
    expect((await first).body).toBe('before');
    expect((await stage.ask(path)).body).toBe('after');
  });
});

describe('a stale answer of a route that allows it', () => {
  const stale = (body: string): Reply => says(body, 'max-age=10', { age: '15', etag: `"${body}"` });

  async function untilBody(path: string, wanted: string): Promise<Answer> {
    for (;;) {
      const answer = await stage.ask(path);
      if (answer.body === wanted) return answer;
      await turn();
    }
  }

  it('is served at once, and a fresh one is fetched behind it', async () => {
    const { reply, release } = held(says('new'));
    const path = replying('/swr', inTurn(stale('old'), reply));
    await stage.ask(path);
    const answer = await stage.ask(path);
    expect([answer.body, answer.headers['cache-status']]).toEqual([
      'old',
      expect.stringMatching(/^Aegis; hit; ttl=-\d+$/),
    ]);
    await stage.askedTimes(path, 2);
    expect((await stage.ask(path)).body).toBe('old');
    expect(stage.asked(path)).toHaveLength(2);
    expect(stage.asked(path)[1]?.headers['if-none-match']).toBe('"old"');
    release();
    expect((await untilBody(path, 'new')).headers['cache-status']).toMatch(/hit; ttl=\d/);
  });

  it('is fresh again after a 304', async () => {
    const path = replying(
      '/swr',
      inTurn(stale('old'), (res) => res.writeHead(304, { 'cache-control': 'max-age=60', age: '0' }).end()),
    );
    await stage.ask(path);
    for (;;) {
      const { headers } = await stage.ask(path);
      if (/ttl=\d/.test(String(headers['cache-status']))) break;
      await turn();
    }
    expect(stage.asked(path)).toHaveLength(2);
  });

  it('stays while fetching fails, and a HEAD fetches a whole one', async () => {
    const path = replying(
      '/swr',
      inTurn(stale('old'), (res) => res.socket?.resetAndDestroy(), says('', 'no-store', { 'x-ill': '1' }), says('new')),
    );
    await stage.ask(path);
    expect((await stage.ask(path, { method: 'HEAD' })).status).toBe(200);
    await stage.askedTimes(path, 2);
    expect(stage.asked(path)[1]?.method).toBe('GET');
    expect((await stage.ask(path)).body).toBe('old');
  });

  it('is not served after its time, nor against must-revalidate', async () => {
    const late = replying('/swr', inTurn(says('old', 'max-age=10', { age: '75', etag: '"a"' }), says('new')));
    const strict = replying(
      '/swr',
      inTurn(says('old', 'max-age=10, must-revalidate', { age: '15', etag: '"a"' }), says('new')),
    );
    for (const path of [late, strict]) {
      await stage.ask(path);
      expect((await stage.ask(path)).body).toBe('new');
    }
  });

  it('is served as long as the answer itself says', async () => {
    const path = replying(
      '/c',
      inTurn(says('old', 'max-age=10, stale-while-revalidate=30', { age: '15' }), says('new')),
    );
    await stage.ask(path);
    expect((await stage.ask(path)).body).toBe('old');
  });
});

describe('what belongs to each exchange', () => {
  it('is not stored: ids, origins, the security headers and what the route changes', async () => {
    const path = replying('/dressed', says('text', 'max-age=60', { 'x-secret': 's', 'x-route': 'no' }));
    const a = await stage.ask(path, { headers: { origin: 'https://a.example', 'x-request-id': 'first' } });
    const b = await stage.ask(path, { headers: { origin: 'https://b.example', 'x-request-id': 'second' } });
    expect(b.headers).toMatchObject({
      'access-control-allow-origin': 'https://b.example',
      'x-request-id': 'second',
      'x-route': 'yes',
      'x-content-type-options': 'nosniff',
      vary: expect.stringContaining('Origin'),
    });
    expect(b.headers['x-secret']).toBeUndefined();
    expect(a.headers['access-control-allow-origin']).toBe('https://a.example');
    expect(stage.asked(path)).toHaveLength(1);
  });

  it('is not stored: the coding', async () => {
    const text = 'all the same '.repeat(1000);
    const path = replying('/c', says(text, 'max-age=60', { etag: '"t"' }));
    const first = await stage.ask(path, { headers: { 'accept-encoding': 'gzip' } });
    const plain = await stage.ask(path);
    const packed = await stage.ask(path, { headers: { 'accept-encoding': 'gzip' } });
    expect([first, packed].map(({ body }) => gunzipSync(Buffer.from(body, 'latin1')).toString())).toEqual([text, text]);
    expect([plain.body, plain.headers['content-encoding'], plain.headers['content-length']]).toEqual([
      text,
      undefined,
      String(text.length),
    ]);
    expect([packed.headers['content-encoding'], packed.headers.etag]).toEqual(['gzip', 'W/"t"']);
    const known = await stage.ask(path, { headers: { 'accept-encoding': 'gzip', 'if-none-match': 'W/"t"' } });
    expect([known.status, known.headers.etag]).toEqual([304, 'W/"t"']);
    expect(stage.asked(path)).toHaveLength(1);
  });

  it('is not stored: what the limits say; a hit counts', async () => {
    const path = replying('/known', says('text', 'public, max-age=60'));
    const headers = { 'x-api-key': KEY };
    const left = [await stage.ask(path, { headers }), await stage.ask(path, { headers })].map(({ headers: told }) =>
      Number(told['x-ratelimit-remaining']),
    );
    expect((left[0] ?? 0) - (left[1] ?? 0)).toBe(1);
    expect(stage.asked(path)).toHaveLength(1);
  });

  it('is written down: the log knows what was answered from the cache', async () => {
    const path = replying('/c', says('text'));
    await stage.ask(path);
    await stage.ask(path, { headers: { 'x-request-id': 'logged-as-cached' } });
    for (;;) {
      const line = stage.gateway.stdout.find((each) => each.includes('logged-as-cached'));
      if (line !== undefined) {
        expect(JSON.parse(line)).toMatchObject({ cached: true, status: 200, bytesOut: 4 });
        break;
      }
      await turn();
    }
  });
});

describe('what is for whom', () => {
  it('needs the credential still: 401 without one, whatever is stored', async () => {
    const path = replying('/known', says('text', 'public, max-age=60'));
    await stage.ask(path, { headers: { 'x-api-key': KEY } });
    const answer = await stage.ask(path);
    expect([answer.status, answer.headers['cache-status']]).toEqual([401, undefined]);
  });

  it('is never shared between callers without permission', async () => {
    const path = replying('/known', (res, req) => says(`for ${String(req.headers['x-consumer-name'])}`)(res, req));
    const headers = { 'x-api-key': KEY };
    await stage.ask(path, { headers });
    expect((await stage.ask(path, { headers })).headers['cache-status']).toMatch(/detail=credentials/);
    expect(stage.asked(path)).toHaveLength(2);
  });

  it('can be told by cookies where the route says so', async () => {
    const path = replying('/cookies', (res, req) => says(`for ${String(req.headers.cookie)}`, 'public')(res, req));
    const bodies: string[] = [];
    for (const cookie of ['a=1', 'a=2', 'a=1']) bodies.push((await stage.ask(path, { headers: { cookie } })).body);
    expect(bodies).toEqual(['for a=1', 'for a=2', 'for a=1']);
    expect(stage.asked(path)).toHaveLength(2);
  });
});

describe('a route that writes what another one reads', () => {
  it('ends what is stored of it, and says nothing of a cache', async () => {
    const path = replying('/split', inTurn(says('old'), says('failed', 'no-store', {}), says('new')));
    await stage.ask(path);
    expect((await stage.ask(path)).headers['cache-status']).toMatch(/hit/);
    expect((await stage.ask(path, { method: 'PUT' })).headers['cache-status']).toBeUndefined();
    expect((await stage.ask(path)).body).toBe('new');
  });
});

describe('HEAD, where its answers are kept', () => {
  it('is answered from its own, and GET is not', async () => {
    const path = replying('/heads', (res) =>
      res.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': '5' }).end('12345'),
    );
    const head = { method: 'HEAD' };
    expect([
      (await stage.ask(path, head)).headers['content-length'],
      (await stage.ask(path, head)).headers['content-length'],
    ]).toEqual(['5', '5']);
    expect(stage.asked(path)).toHaveLength(1);
    expect((await stage.ask(path)).body).toBe('12345');
    expect(stage.asked(path)).toHaveLength(2);
  });
});

describe('who tries to poison it', () => {
  const echo: Reply = (res, req) => {
    const { headers } = req;
    const seen = [
      headers.host,
      headers['x-forwarded-host'],
      headers['x-forwarded-proto'],
      headers['x-forwarded-port'],
      headers['x-forwarded-prefix'],
      headers.forwarded,
      headers['x-real-ip'],
    ];
    says(JSON.stringify(seen))(res, req);
  };

  it.each([
    ['x-forwarded-host', 'evil.example'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-port', '666'],
    ['x-forwarded-prefix', '/evil'],
    ['x-forwarded-scheme', 'evil'],
    ['forwarded', 'host=evil.example'],
    ['x-real-ip', '6.6.6.6'],
  ])('with %s: it is not passed on', async (name, value) => {
    const path = replying('/c', echo);
    await stage.ask(path, { headers: { [name]: value } });
    const { body, headers } = await stage.ask(path);
    expect(body).not.toMatch(/evil|666|6\.6\.6\.6|https/);
    expect(headers['cache-status']).toMatch(/hit/);
  });

  it.each([
    'x-original-url',
    'x-rewrite-url',
    'x-http-method-override',
    'x-http-method',
    'x-method-override',
    'x-host',
    'x-original-host',
  ])('with %s: that request passes by', async (name) => {
    const path = replying('/c', (res, req) => says(String(req.headers[name]))(res, req));
    expect((await stage.ask(path, { headers: { [name]: 'evil' } })).headers['cache-status']).toBe(
      'Aegis; fwd=bypass; detail=override',
    );
    expect((await stage.ask(path)).body).toBe('undefined');
    expect((await stage.ask(path, { headers: { [name]: 'evil' } })).body).toBe('evil');
  });

  it.each(['evil.example', 'shop.example:666'])('with the host %s: others get their own', async (host) => {
    const path = replying('/c', echo);
    await stage.ask(path, { headers: { host } });
    expect((await stage.ask(path, { headers: { host: 'shop.example' } })).body).toContain(
      '["shop.example","shop.example"',
    );
    expect(stage.asked(path)).toHaveLength(2);
  });

  it.each([
    ['/a/b', '/a%2Fb', 2],
    ['/a/b', '/a//b', 1],
    ['/a/b', '/a/./x/../b', 1],
    ['/a/b', '/a/%62', 1],
    ['/a/b', '/a/b/', 2],
    ['/a/b', '/a/B', 2],
    ['/a/b', '/a/b;x=.css', 2],
    ['/a/b', '/a/b%00.css', 1],
    ['/a/b', '/a/b?', 2],
    ['/a/b', '/a/b%3F', 2],
    ['/a/b?x=1&y=2', '/a/b?x=1%26y=2', 2],
    ['/a/b', '/a/b%0d%0ax: y', 1],
  ])('with paths: %s and %s are %i', async (one, other, count) => {
    const below = `/c/${++paths}`;
    const before = stage.upstream.requests.length;
    const reply = says('any');
    for (const path of [one, other]) stage.replies.set((below + path).replace(/\?.*/, ''), reply);
    await stage.ask(below + one);
    await stage.ask(below + other).catch(() => undefined);
    expect(stage.upstream.requests.length - before).toBe(count);
  });

  it('with a page of somebody under a name that looks public: it is not kept', async () => {
    const path = replying('/c/account', says('my account', 'private'));
    const headers = { cookie: 'session=victim' };
    await stage.ask(`${path}?x=.css`, { headers });
    expect((await stage.ask(`${path}?x=.css`)).headers['cache-status']).toMatch(/fwd=uri-miss/);
  });

  it('with a large body: it passes and is not kept', async () => {
    const known = replying('/small', says('x'.repeat(1025)));
    const unknown = replying('/small', (res) => {
      res.writeHead(200, { 'cache-control': 'max-age=60' });
      res.write('x'.repeat(600));
      res.end('x'.repeat(600));
    });
    for (const path of [known, unknown]) {
      expect((await stage.ask(path)).body.length).toBeGreaterThan(1024);
      expect((await stage.ask(path)).headers['cache-status']).toMatch(/fwd=uri-miss/);
      expect(stage.asked(path)).toHaveLength(2);
    }
  });

  it('with a body that never ends: what has come of it is there at once, and a client that leaves ends it', async () => {
    const path = replying('/c', (res) => {
      res.writeHead(200, { 'cache-control': 'max-age=60' });
      res.write('first');
    });
    const sent = request({ host: '127.0.0.1', port: stage.gateway.port, path }).end();
    const [res] = (await once(sent, 'response')) as [IncomingMessage];
    const [piece] = (await once(res, 'data')) as [Buffer];
    expect(piece.toString()).toBe('first');
    sent.destroy();
    expect(stage.asked(path)).toHaveLength(1);
  });

  it('with trailers: such an answer is not kept', async () => {
    const path = replying('/c', (res: ServerResponse) => {
      res.writeHead(200, { 'cache-control': 'max-age=60', trailer: 'x-end' });
      res.write('text');
      res.addTrailers({ 'x-end': '1' });
      res.end();
    });
    await stage.ask(path);
    expect((await stage.ask(path)).headers['cache-status']).toMatch(/fwd=uri-miss/);
  });
});

describe('a reload', () => {
  async function version(): Promise<number> {
    const answer = await fetch(`${stage.gateway.url}/_aegis/status`, {
      headers: { 'x-api-key': stage.gateway.adminKey },
    });
    return ((await answer.json()) as { config: { version: number } }).config.version;
  }

  async function reload(change: (config: ReturnType<typeof configOf>) => void): Promise<void> {
    const before = await version();
    const config = configOf(stage.upstream.url);
    change(config);
    const file = stage.gateway.configFile;
    writeFileSync(`${file}.new`, JSON.stringify(config));
    renameSync(`${file}.new`, file);
    stage.gateway.signal('SIGHUP');
    while ((await version()) === before) await turn();
  }

  it('keeps what belongs to routes that did not change, and serves nothing of others', async () => {
    const stays = replying('/stays', says('kept'));
    const changing = replying('/changing', inTurn(says('old'), says('new')));
    for (const path of [stays, changing]) await stage.ask(path);
    await reload(({ gateway }) => {
      const route = gateway.routes.find(({ path }) => path === '/changing');
      Object.assign(route ?? {}, { request: { headers: { set: { 'x-new': '1' } } } });
    });
    expect((await stage.ask(stays)).headers['cache-status']).toMatch(/hit/);
    expect((await stage.ask(changing)).body).toBe('new');
    await reload(({ gateway }) => {
      gateway.routes = gateway.routes.map(({ cache, ...route }) =>
        route.path === '/changing' ? route : { ...route, cache },
      ) as typeof gateway.routes;
    });
    const uncached = await stage.ask(changing);
    expect([uncached.headers['cache-status'], uncached.headers.age]).toEqual([undefined, undefined]);
    expect((await stage.ask(stays)).headers['cache-status']).toMatch(/hit/);
  });
});
