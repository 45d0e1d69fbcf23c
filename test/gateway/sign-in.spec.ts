import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from 'pg';
import {
  freePort,
  type RecordingUpstream,
  scratchFolder,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
  within,
} from '#testing';
import { Browser, type Page } from './sign-in/browser.js';
import { CLIENT, Issuer } from './sign-in/issuer.js';

const LOGIN = '/api/admin/login';
const CALLBACK = '/api/admin/login/callback';
const UUID = '018f3a52-7c1e-7aaa-8bbb-0123456789ab';

const ACCOUNTS = {
  ada: { groups: ['group-admins', 'everybody'], email: 'ada@example.com' },
  vera: { groups: ['readers'], email: 'vera@example.com' },
  nobody: { groups: ['everybody'], email: 'nobody@example.com' },
  [UUID]: { groups: ['readers'] },
};

let database: TestDatabase;
let issuer: Issuer;
let upstream: RecordingUpstream;
let gateway: SpawnedGateway;
/** On the same database, and over TLS. */
let other: SpawnedGateway;
let addresses = 0;

function oauth2(url: string): object {
  return {
    issuer: url,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    login: {
      enabled: true,
      scopes: ['openid', 'email', 'groups'],
      roles: { 'group-admins': 'admin', readers: 'viewer' },
    },
  };
}

/** What an upstream may do that is not ours. */
function planting(req: IncomingMessage, res: ServerResponse): void {
  const planted = ['aegis_session=evil; Path=/', '__Host-aegis_session=evil', 'AEGIS_session=x', '=aegis_login=evil'];
  if (req.url === '/planting') res.setHeader('Set-Cookie', ['theme=dark; Path=/', ...planted, 'my_aegis_session=x']);
  res.end();
}

/** Of somebody at an address of their own, since those who fail too often are shut out. */
function newBrowser(): Browser {
  addresses++;
  return new Browser({ 'x-forwarded-for': `10.0.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}` });
}

beforeAll(async () => {
  // The provider has much to say about how it should be run where there are people.
  for (const level of ['info', 'warn'] as const) jest.spyOn(console, level).mockImplementation(() => undefined);
  const folder = scratchFolder('sign-in');
  const made = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'tls.key',
    '-out',
    'tls.crt',
  ];
  const said = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...made, ...said], { cwd: folder, stdio: 'ignore' });
  database = await (await startPostgres()).createDatabase();
  [issuer, upstream] = await Promise.all([Issuer.announce(), startUpstream(planting)]);
  const env = { DATABASE_URL: database.url };
  const shared = {
    trustedProxies: ['127.0.0.1/32'],
    routes: ['app', 'planting'].map((name) => ({ name, path: `/${name}`, upstream: upstream.url })),
  };
  const tls = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  const auth = { oauth2: oauth2(issuer.url) };
  [gateway, other] = await Promise.all([
    spawnGateway({ env, config: { gateway: shared, auth } }),
    spawnGateway({ env, config: { gateway: { ...shared, tls }, auth }, scheme: 'https' }),
  ]);
  await issuer.start([gateway.url + CALLBACK, other.url + CALLBACK], ACCOUNTS);
}, 90_000);

afterAll(async () => {
  await Promise.all([gateway.stop(), other.stop()]);
  await Promise.all([issuer.stop(), upstream.stop()]);
  await database.drop();
});

/** The sign-in up to where the issuer sends the browser back, which it has not followed yet. */
async function untilCallback(browser: Browser, login: string, { url } = gateway, returnTo = ''): Promise<string> {
  const begun = await browser.visit(url + LOGIN + returnTo);
  expect(begun.status).toBe(303);
  return await browser.through(begun.location, login);
}

async function signIn(browser: Browser, login: string, at = gateway): Promise<Page> {
  const page = await browser.visit(await untilCallback(browser, login, at));
  expect([page.status, page.body]).toEqual([303, expect.any(String)]);
  return page;
}

function sessionOf(browser: Browser, { url } = gateway): string {
  const name = url.startsWith('https:') ? '__Host-aegis_session' : 'aegis_session';
  const session = browser.cookie(url, name);
  if (session === undefined) throw new Error('nobody is signed in');
  return session;
}

/** Who the other instance says that the holder of a session of this one is. */
async function elsewhere(session: string): Promise<number> {
  const browser = newBrowser();
  browser.keep(other.url, '__Host-aegis_session', session);
  return (await browser.visit(`${other.url}/api/admin/me`)).status;
}

async function refusedElsewhereSoon(session: string): Promise<boolean> {
  return await within(2000, async () => (await elsewhere(session)) === 401);
}

function problemOf({ status, body }: Page): unknown {
  return { status, code: (JSON.parse(body) as { code: unknown }).code };
}

interface Entry {
  readonly actor: string | null;
  readonly operation: string;
  readonly outcome: string;
  readonly requestId: string;
}

/** What the audit log has of a request; entries are written a moment after the answer. */
async function audited(requestId: string): Promise<Entry | undefined> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const headers = { 'x-api-key': gateway.adminKey };
    const answer = await fetch(`${gateway.url}/api/admin/audit?limit=500`, { headers });
    const { items } = (await answer.json()) as { items: Entry[] };
    const found = items.find((entry) => entry.requestId === requestId);
    if (found !== undefined || Date.now() > deadline) return found;
  }
}

async function query(sql: string): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

describe('signing in at a real issuer', () => {
  it('is offered by the page that asks for a credential', async () => {
    const docs = '/api/admin/docs';
    const page = await newBrowser().visit(gateway.url + docs, { headers: { accept: 'text/html' } });
    expect([page.status, page.body]).toEqual([401, expect.stringContaining('<p id="issuer">')]);
    const href = /<p id="issuer">\s*<a href="([^"]+)"/.exec(page.body)?.[1] ?? '';
    expect(new URL(href, gateway.url).searchParams.get('returnTo')).toBe(docs);
    expect((await newBrowser().visit(gateway.url + href)).location).toContain(issuer.url);
  });

  it('leads there with a challenge, a state and a nonce, and back with a session, until the sign-out', async () => {
    const browser = newBrowser();
    const begun = await browser.visit(gateway.url + LOGIN);
    const asked = Object.fromEntries(new URL(begun.location).searchParams);
    expect(asked).toMatchObject({
      client_id: 'aegis',
      response_type: 'code',
      redirect_uri: gateway.url + CALLBACK,
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(begun.headers['cache-control']).toBe('no-store');
    expect(begun.setCookies).toEqual([expect.stringMatching(/^aegis_login=.*; Path=\/; .*HttpOnly; SameSite=Lax$/)]);

    const back = await browser.visit(await browser.through(begun.location, 'ada'));
    expect([back.status, back.location]).toEqual([303, `${gateway.url}/api/admin/me`]);
    expect(back.setCookies).toEqual([
      expect.stringMatching(/^aegis_login=; /),
      expect.stringMatching(/^aegis_session=aegis_st_[\w-]{43}; Max-Age=43200; Path=\/; .*HttpOnly; SameSite=Lax$/),
    ]);
    const me = await browser.visit(back.location);
    expect([me.status, JSON.parse(me.body)]).toEqual([200, { name: 'ada@example.com', user: 'ada', roles: ['admin'] }]);

    const session = sessionOf(browser);
    expect(await elsewhere(session)).toBe(200);
    const signOut = { method: 'POST', headers: { origin: gateway.url, 'x-request-id': 'ada-leaves' } };
    const left = await browser.visit(`${gateway.url}/api/admin/logout`, signOut);
    expect([left.status, browser.cookie(gateway.url, 'aegis_session')]).toEqual([204, undefined]);
    expect(await refusedElsewhereSoon(session)).toBe(true);
    expect(await audited('ada-leaves')).toMatchObject({ actor: 'ada@example.com', outcome: 'done' });
  });

  it('is seen by those who administer, who can end it everywhere', async () => {
    const [one, two] = [newBrowser(), newBrowser()];
    await signIn(one, 'vera');
    await signIn(two, 'vera', other);
    const sessions = [sessionOf(one), sessionOf(two, other)] as const;
    const ask = async (method: string, query: string): Promise<Record<string, unknown>> => {
      const headers = { 'x-api-key': gateway.adminKey };
      const answer = await fetch(`${gateway.url}/api/admin/sessions${query}`, { method, headers });
      return (await answer.json()) as Record<string, unknown>;
    };
    const seen = { kind: 'browser', consumer: 'vera@example.com', user: 'vera', by: 'issuer', roles: ['viewer'] };
    const found = await ask('GET', '?user=vera');
    expect(found['items']).toEqual(
      expect.arrayContaining([expect.objectContaining(seen), expect.objectContaining(seen)]),
    );
    expect(await Promise.all(sessions.map(elsewhere))).toEqual([200, 200]);
    expect(await ask('DELETE', '?user=vera')).toEqual({ ended: (found['items'] as object[]).length });
    expect(await Promise.all(sessions.map(refusedElsewhereSoon))).toEqual([true, true]);
    expect(await ask('GET', '?user=vera')).toEqual({ items: [], nextCursor: null });
  });

  it('over TLS keeps the session in a cookie that is sent over TLS only and that no other host can set', async () => {
    const browser = newBrowser();
    const back = await signIn(browser, 'vera', other);
    expect(back.setCookies[1]).toMatch(/^__Host-aegis_session=.*; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/);
    expect(back.setCookies[1]).not.toMatch(/domain/i);
    expect((await browser.visit(`${other.url}/api/admin/me`)).status).toBe(200);
    // Without the prefix it may be from anywhere.
    const planted = newBrowser();
    planted.keep(other.url, 'aegis_session', sessionOf(browser, other));
    expect((await planted.visit(`${other.url}/api/admin/me`)).status).toBe(401);
  });

  it('gives the roles of the groups and nothing else, also to who is called like an id of ours', async () => {
    const browser = newBrowser();
    await signIn(browser, UUID);
    const me = await browser.visit(`${gateway.url}/api/admin/me`);
    expect(JSON.parse(me.body)).toEqual({ name: UUID, user: UUID, roles: ['viewer'] });
    const headers = { origin: gateway.url, 'content-type': 'application/json' };
    const body = JSON.stringify({ path: '/x', respond: { status: 200 } });
    const change = await browser.visit(`${gateway.url}/api/admin/routes/x`, { method: 'PUT', headers, body });
    expect(problemOf(change)).toEqual({ status: 403, code: 'forbidden' });
  });

  it.each([
    ['/console/routes?sort=name', '/console/routes?sort=name'],
    ['//evil.example/console', '/api/admin/me'],
    ['https://evil.example/', '/api/admin/me'],
    ['/\\evil.example', '/api/admin/me'],
  ])('with returnTo=%s ends at %s', async (wanted, path) => {
    const browser = newBrowser();
    const callback = await untilCallback(browser, 'vera', gateway, `?returnTo=${encodeURIComponent(wanted)}`);
    expect((await browser.visit(callback)).location).toBe(gateway.url + path);
  });

  it.each(['a%20b', 'a:99999', '999.1.1.1', '%00'])('cannot be begun at a host that is no place: %s', async (host) => {
    const page = await newBrowser().visit(gateway.url + LOGIN, { headers: { host } });
    expect(problemOf(page)).toEqual({ status: 400, code: 'bad_request' });
  });

  it('that was begun in several tabs ends in each where that one wanted to be', async () => {
    const browser = newBrowser();
    const begin = async (page: string): Promise<string> =>
      (await browser.visit(`${gateway.url + LOGIN}?returnTo=/console/${page}`)).location;
    const begun = [await begin('a'), await begin('b'), await begin('c')];
    for (const [index, page] of ['a', 'b', 'c'].entries()) {
      const back = await browser.visit(await browser.through(begun[index]!, 'vera'));
      expect([back.status, back.location]).toEqual([303, `${gateway.url}/console/${page}`]);
    }
    expect(browser.cookie(gateway.url, 'aegis_login')).toBeUndefined();
  });

  it('forgets the oldest of those that were begun, rather than send a cookie that no browser keeps', async () => {
    const browser = newBrowser();
    let last = '';
    for (let i = 0; i < 30; i++) {
      const page = await browser.visit(`${gateway.url + LOGIN}?returnTo=/console/${'x'.repeat(500)}`);
      last = page.location;
      expect(page.setCookies.join().length).toBeLessThan(4096);
    }
    expect((await browser.visit(await browser.through(last, 'vera'))).status).toBe(303);
  });

  it('goes on when somebody makes the browser come back with a state of their own', async () => {
    const browser = newBrowser();
    const callback = await untilCallback(browser, 'vera');
    const made = having(callback, (query) => query.set('state', SOMETHING_ELSE));
    expect(problemOf(await browser.visit(made))).toEqual(INVALID);
    expect((await browser.visit(callback)).status).toBe(303);
  });

  it('looks at where it leads again when it is over: the cookie is not ours alone to write', async () => {
    const browser = newBrowser();
    const callback = await untilCallback(browser, 'vera');
    rewrite(browser, (begun) => ({ ...begun, returnTo: 'https://evil.example/' }));
    expect((await browser.visit(callback)).location).toBe(`${gateway.url}/api/admin/me`);
  });
});

/** Changes what the browser remembers of the sign-ins that it began. */
function rewrite(browser: Browser, change: (begun: Record<string, string>) => object): void {
  const cookie = browser.cookie(gateway.url, 'aegis_login') ?? '';
  const begun = JSON.parse(Buffer.from(cookie, 'base64url').toString()) as Record<string, string>[];
  const changed = JSON.stringify(begun.map(change));
  browser.keep(gateway.url, 'aegis_login', Buffer.from(changed).toString('base64url'));
}

function having(callback: string, change: (query: URLSearchParams) => void): string {
  const url = new URL(callback);
  change(url.searchParams);
  return url.href;
}

const INVALID = { status: 401, code: 'invalid_credentials' };
const NOT_BEGUN = { status: 400, code: 'bad_request' };
const SOMETHING_ELSE = 'x'.repeat(43);

interface Attack {
  readonly name: string;
  readonly expected: object;
  /** What the browser is made to visit, when its person was sent back with `callback`. */
  readonly visited: (callback: string, browser: Browser) => string | Promise<string>;
}

const ATTACKS: readonly Attack[] = [
  {
    name: 'without a state',
    expected: INVALID,
    visited: (callback) => having(callback, (query) => query.delete('state')),
  },
  {
    name: 'with a state that was made up',
    expected: INVALID,
    visited: (callback) => having(callback, (query) => query.set('state', SOMETHING_ELSE)),
  },
  {
    name: 'with two states',
    expected: INVALID,
    visited: (callback) => having(callback, (query) => query.append('state', SOMETHING_ELSE)),
  },
  {
    name: 'without a code',
    expected: INVALID,
    visited: (callback) => having(callback, (query) => query.delete('code')),
  },
  {
    name: 'with a code that was made up',
    expected: INVALID,
    visited: (callback) => having(callback, (query) => query.set('code', SOMETHING_ELSE)),
  },
  {
    name: 'from another issuer',
    expected: INVALID,
    visited: (callback) => having(callback, (query) => query.set('iss', 'https://evil.example')),
  },
  { name: 'without anything', expected: INVALID, visited: () => gateway.url + CALLBACK },
  {
    name: 'with the nonce of another sign-in',
    expected: INVALID,
    visited: (callback, browser) => {
      rewrite(browser, (begun) => ({ ...begun, nonce: SOMETHING_ELSE }));
      return callback;
    },
  },
  {
    name: 'by who does not know the verifier',
    expected: INVALID,
    visited: (callback, browser) => {
      rewrite(browser, (begun) => ({ ...begun, verifier: SOMETHING_ELSE }));
      return callback;
    },
  },
  {
    name: 'in a browser in which none was begun',
    expected: NOT_BEGUN,
    visited: (callback, browser) => {
      browser.forget(gateway.url);
      return callback;
    },
  },
  {
    name: 'with a cookie that is nonsense',
    expected: NOT_BEGUN,
    visited: (callback, browser) => {
      browser.keep(gateway.url, 'aegis_login', Buffer.from('[1,null]').toString('base64url'));
      return callback;
    },
  },
  {
    name: 'with the callback of somebody else, who wants the browser to be signed in as them',
    expected: INVALID,
    visited: async () => await untilCallback(newBrowser(), 'ada'),
  },
  {
    name: 'a second time, by who has kept both the callback and the cookie',
    expected: INVALID,
    visited: async (callback, browser) => {
      const cookie = browser.cookie(gateway.url, 'aegis_login') ?? '';
      expect((await browser.visit(callback)).status).toBe(303);
      browser.forget(gateway.url);
      browser.keep(gateway.url, 'aegis_login', cookie);
      return callback;
    },
  },
  {
    name: 'a second time, in the same browser',
    expected: NOT_BEGUN,
    visited: async (callback, browser) => {
      expect((await browser.visit(callback)).status).toBe(303);
      return callback;
    },
  },
];

describe('a sign-in that comes back', () => {
  it.each(ATTACKS)('$name is refused, opens nothing and is in the audit log', async ({ name, expected, visited }) => {
    const browser = newBrowser();
    const url = await visited(await untilCallback(browser, 'vera'), browser);
    const requestId = `attack-${name.replaceAll(/[^a-z]/g, '-').slice(0, 100)}`;
    const page = await browser.visit(url, { headers: { 'x-request-id': requestId } });
    expect(problemOf(page)).toEqual(expected);
    expect(page.headers['content-type']).toContain('application/problem+json');
    expect(page.setCookies.filter((line) => line.includes('aegis_session'))).toEqual([]);
    expect(await audited(requestId)).toMatchObject({ actor: null, outcome: 'refused', operation: `GET ${CALLBACK}` });
  });

  it('too often with nothing good shuts the address out, before the issuer is asked', async () => {
    const browser = newBrowser();
    const cookie = Buffer.from(JSON.stringify([{ state: 's', nonce: 'n', verifier: 'v', returnTo: '/' }]));
    let status = 401;
    for (let guess = 0; guess < 50 && status === 401; guess++) {
      browser.keep(gateway.url, 'aegis_login', cookie.toString('base64url'));
      ({ status } = await browser.visit(
        `${gateway.url + CALLBACK}?state=s&code=c&iss=${encodeURIComponent(issuer.url)}`,
      ));
    }
    expect(status).toBe(429);
    const asked = issuer.count('/token');
    browser.keep(gateway.url, 'aegis_login', cookie.toString('base64url'));
    await browser.visit(`${gateway.url + CALLBACK}?state=s&code=c&iss=${encodeURIComponent(issuer.url)}`);
    expect(issuer.count('/token')).toBe(asked);
  });

  it('is written down with who it was; that one was begun is not', async () => {
    const browser = newBrowser();
    const begun = await browser.visit(gateway.url + LOGIN, { headers: { 'x-request-id': 'ada-begins' } });
    const callback = await browser.through(begun.location, 'ada');
    await browser.visit(callback, { headers: { 'x-request-id': 'ada-is-back' } });
    expect(await audited('ada-is-back')).toMatchObject({
      actor: 'ada@example.com',
      credential: 'sign-in',
      operation: `GET ${CALLBACK}`,
      outcome: 'done',
    });
    const headers = { 'x-api-key': gateway.adminKey };
    const log = await (await fetch(`${gateway.url}/api/admin/audit?limit=500`, { headers })).text();
    expect(log).not.toContain('ada-begins');
    expect(log).not.toContain(new URL(callback).searchParams.get('code'));
  });
});

describe('somebody whom the issuer', () => {
  it('does not let in is told so', async () => {
    const browser = newBrowser();
    const begun = await browser.visit(gateway.url + LOGIN);
    const callback = await browser.through(begun.location, 'ada', true);
    expect(new URL(callback).searchParams.get('error')).toBe('access_denied');
    const page = await browser.visit(callback, { headers: { 'x-request-id': 'ada-cancels' } });
    expect(problemOf(page)).toEqual(INVALID);
    expect(page.body).toContain('(access_denied)');
    expect(page.body).not.toContain('aborted');
    expect(await audited('ada-cancels')).toMatchObject({ outcome: 'refused', status: 401 });
  });

  it('knows but who has no role here is told what is missing, and named in the audit log', async () => {
    const browser = newBrowser();
    const callback = await untilCallback(browser, 'nobody');
    const page = await browser.visit(callback, { headers: { 'x-request-id': 'no-role' } });
    expect(problemOf(page)).toEqual({ status: 403, code: 'forbidden' });
    expect(page.body).toContain('auth.oauth2.login.roles');
    expect(page.body).not.toContain('group-admins');
    expect(browser.cookie(gateway.url, 'aegis_session')).toBeUndefined();
    expect(await audited('no-role')).toMatchObject({ actor: 'nobody@example.com', outcome: 'refused' });
  });
});

describe('a session', () => {
  it('changes something only at the word of a page of ours', async () => {
    const browser = newBrowser();
    await signIn(browser, 'ada');
    const change = async (headers: Record<string, string>): Promise<number> => {
      const said = { 'content-type': 'application/json', ...headers };
      const body = JSON.stringify({ path: '/by-ada', respond: { status: 200 } });
      return (await browser.visit(`${gateway.url}/api/admin/routes/by-ada`, { method: 'PUT', headers: said, body }))
        .status;
    };
    expect(await change({})).toBe(403);
    expect(await change({ origin: 'null' })).toBe(403);
    expect(await change({ origin: 'https://evil.example' })).toBe(403);
    expect(await change({ origin: `${gateway.url}.evil.example` })).toBe(403);
    expect(await change({ origin: gateway.url, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await change({ 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await change({ 'sec-fetch-site': 'none' })).toBe(403);
    expect(await change({ origin: gateway.url })).toBe(201);
    expect(await change({ 'sec-fetch-site': 'same-origin' })).toBe(200);
    const history = await browser.visit(`${gateway.url}/api/admin/config/history?limit=1`);
    expect(JSON.parse(history.body)).toMatchObject({ items: [{ actor: 'ada@example.com' }] });
  });

  it('that has expired is refused everywhere, and a page that was left open is no guess', async () => {
    const browser = newBrowser();
    await signIn(browser, 'vera');
    expect(await elsewhere(sessionOf(browser))).toBe(200);
    await query(`UPDATE issued_tokens SET expires_at = now() WHERE kind = 'session' AND consumer = 'vera@example.com'`);
    expect(await refusedElsewhereSoon(sessionOf(browser))).toBe(true);
    const look = async (): Promise<number> => (await browser.visit(`${gateway.url}/api/admin/me`)).status;
    const looks: number[] = [];
    for (let i = 0; i < 30; i++) looks.push(await look());
    expect(new Set(looks)).toEqual(new Set([401]));
    expect((await signIn(browser, 'vera')).status).toBe(303);
  });

  it('has no role that no group brings any more, and ends where nobody signs in at the issuer any more', async () => {
    const browser = newBrowser();
    await signIn(browser, 'ada');
    const before = readFileSync(gateway.configFile, 'utf8');
    const rolesWith = async (login: object): Promise<unknown> => {
      const config = JSON.parse(before) as { auth: { oauth2: { login: object } } };
      Object.assign(config.auth.oauth2.login, login);
      writeFileSync(gateway.configFile, JSON.stringify(config));
      await fetch(`${gateway.url}/_aegis/reload`, { method: 'POST', headers: { 'x-api-key': gateway.adminKey } });
      const me = await browser.visit(`${gateway.url}/api/admin/me`);
      return me.status === 200 ? (JSON.parse(me.body) as { roles: unknown }).roles : me.status;
    };
    try {
      expect(await rolesWith({})).toEqual(['admin']);
      expect(await rolesWith({ roles: { readers: 'viewer' } })).toEqual([]);
      expect(await rolesWith({ enabled: false })).toBe(401);
    } finally {
      expect(await rolesWith({})).toEqual(['admin']);
    }
  });

  it('is not exchanged for another, which would go on for ever', async () => {
    const browser = newBrowser();
    await signIn(browser, 'ada');
    const page = await newBrowser().visit(gateway.url + LOGIN, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: sessionOf(browser) }),
    });
    expect(problemOf(page)).toEqual({ status: 422, code: 'validation_failed' });
  });

  it('is not handed to upstreams, whose cookies are left alone', async () => {
    const browser = newBrowser();
    await signIn(browser, 'ada');
    await browser.visit(gateway.url + LOGIN);
    await browser.visit(`${gateway.url}/app`);
    expect(upstream.requests.at(-1)?.headers).not.toHaveProperty('cookie');
    browser.keep(gateway.url, 'theme', 'dark');
    browser.keep(gateway.url, '__Host-aegis_session', 'x');
    browser.keep(gateway.url, 'not_aegis_session', 'y');
    await browser.visit(`${gateway.url}/app`);
    expect(upstream.requests.at(-1)?.headers.cookie).toBe('theme=dark; not_aegis_session=y');
  });

  it('is not set by an upstream, which could have browsers act as somebody else', async () => {
    const browser = newBrowser();
    await signIn(browser, 'ada');
    const page = await browser.visit(`${gateway.url}/planting`);
    expect([page.status, page.setCookies]).toEqual([200, ['theme=dark; Path=/', 'my_aegis_session=x']]);
    expect((await browser.visit(`${gateway.url}/api/admin/me`)).headers['cache-control']).toBe('no-store');
  });

  it('stays out of the database and of the log', async () => {
    const browser = newBrowser();
    const callback = await untilCallback(browser, 'ada');
    await browser.visit(callback);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query('SELECT * FROM issued_tokens').finally(() => client.end());
    const log = [...gateway.stdout, ...gateway.stderr].join('\n');
    const code = new URL(callback).searchParams.get('code') ?? 'none';
    for (const secret of [sessionOf(browser).slice(9), code, CLIENT.secret]) {
      expect(JSON.stringify(rows)).not.toContain(secret);
      expect(log).not.toContain(secret);
    }
  });
});

describe('an issuer', () => {
  const AWAY = { status: 503, code: 'store_unavailable' };

  it('that goes away in the middle is 503, and the sessions that there are go on', async () => {
    const [signedIn, browser] = [newBrowser(), newBrowser()];
    await signIn(signedIn, 'vera');
    const callback = await untilCallback(browser, 'ada');
    await issuer.stop();
    try {
      expect(problemOf(await browser.visit(callback))).toEqual(AWAY);
      expect((await signedIn.visit(`${gateway.url}/api/admin/me`)).status).toBe(200);
    } finally {
      await issuer.listen();
    }
  });

  it('that was never there is 503, and one that takes us for nobody says what to set', async () => {
    const nowhere = oauth2(`http://127.0.0.1:${await freePort()}`);
    const wrong = { ...oauth2(issuer.url), clientSecret: 'another-secret' };
    const env = { DATABASE_URL: database.url };
    const [away, stranger] = await Promise.all(
      [nowhere, wrong].map((each) =>
        spawnGateway({ env, config: { gateway: { routes: [] }, auth: { oauth2: each } } }),
      ),
    );
    try {
      const page = await newBrowser().visit(away!.url + LOGIN);
      expect(problemOf(page)).toEqual(AWAY);
      expect(page.body).toContain('issuer');
      // The issuer sends people back to where it knows the client to be; the code is as good at this instance.
      const browser = new Browser();
      const begun = await browser.visit(stranger!.url + LOGIN);
      const start = having(begun.location, (query) => query.set('redirect_uri', gateway.url + CALLBACK));
      const callback = await browser.through(start, 'ada');
      const back = await browser.visit(callback.replace(gateway.url, stranger!.url));
      expect(problemOf(back)).toEqual({ status: 503, code: 'not_configured' });
      expect(back.body).toContain('clientSecret');
    } finally {
      await Promise.all([away?.stop(), stranger?.stop()]);
    }
  });
});
