import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import {
  type RecordedRequest,
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';
import { type Answer } from './answers.js';
import {
  ADMIN_HOSTS,
  BAD_IDS,
  BAD_TRACES,
  FORGED,
  GOOD_IDS,
  GOOD_TRACE,
  strangeHosts,
  TRACE_ID,
} from './identity/forged.js';
import { Wire } from './wire.js';

const KEY = 'the-key-of-the-mobile-app';
const SECRET = randomBytes(48).toString('hex');
const UUID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;

let upstream: RecordingUpstream;
let other: RecordingUpstream;
let database: TestDatabase;
/** Believes nobody. */
let gateway: SpawnedGateway;
/** Believes its peers on this machine, and those of 10.0.0.0/8. */
let trusting: SpawnedGateway;

beforeAll(async () => {
  upstream = await startUpstream((_req, res) => void res.setHeader('X-Request-Id', 'of-the-upstream').end());
  other = await startUpstream();
  database = await (await startPostgres()).createDatabase();
  const config = {
    gateway: {
      upstreams: [
        { name: 'main', targets: [upstream.url], retry: 'off', breaker: 'off', health: 'off' },
        { name: 'other', targets: [other.url] },
      ],
      routes: [
        { name: 'inside', path: '/inside', upstream: 'main', ip: { allow: ['10.0.0.0/8'] } },
        { name: 'named', path: '/named', upstream: 'main', auth: 'required' },
        { name: 'moved', path: '/moved/:x', redirect: { status: 302, path: '/new/:x' } },
        { name: 'admin', path: '/', hosts: ['admin.test'], respond: { status: 403, body: 'admin' } },
        { name: 'anyone', path: '/', upstream: 'main' },
      ],
    },
    auth: {
      jwt: { secrets: [SECRET] },
      consumers: [{ name: 'mobile-app', roles: ['user'], apiKeys: [{ hash: `sha256:${sha256(KEY)}` }] }],
      rbac: { roles: { user: { permissions: ['read:*'] } } },
    },
    monitoring: { logs: { format: 'json', access: true } },
  };
  const env = { DATABASE_URL: database.url };
  gateway = await spawnGateway({ env, config });
  trusting = await spawnGateway({
    env,
    config: { ...config, gateway: { ...config.gateway, trustedProxies: ['127.0.0.1/32', '10.0.0.0/8'] } },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await trusting.stop();
  await upstream.stop();
  await other.stop();
  await database.drop();
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

interface Call {
  readonly path?: string;
  readonly host?: string;
  readonly fields?: readonly string[];
  readonly to?: SpawnedGateway;
}

interface Outcome {
  readonly answer: Answer;
  readonly request: RecordedRequest | undefined;
}

async function call({ path = '/', host = 'h', fields = [], to = gateway }: Call): Promise<Outcome> {
  const before = upstream.requests.length;
  const wire = await Wire.open(to.port);
  wire.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`);
  const { answers } = await wire.hears(1);
  wire.destroy();
  expect(answers).toHaveLength(1);
  return { answer: answers[0]!, request: upstream.requests.slice(before)[0] };
}

/** With a token that says this. */
async function named(claims: JWTPayload): Promise<Outcome> {
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(Buffer.from(SECRET));
  return await call({ path: '/named', fields: [`Authorization: Bearer ${token}`] });
}

/** The values of all fields of the name, as they came. */
function values({ rawHeaders }: RecordedRequest, name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
}

const OURS = new Map([
  ['x-forwarded-for', '127.0.0.1'],
  ['x-forwarded-proto', 'http'],
  ['x-forwarded-host', 'h'],
]);

describe('what a stranger says of itself', () => {
  it.each(FORGED)('%s: %s does not reach the upstream', async (name, value) => {
    for (const connection of ['keep-alive', `keep-alive, ${name}`]) {
      const { request } = await call({ fields: [`${name}: ${value}`, `Connection: ${connection}`] });
      const lower = name.toLowerCase();
      const ours = lower === 'x-forwarded-port' ? String(gateway.port) : OURS.get(lower);
      expect(values(request!, lower)).toEqual(ours === undefined ? [] : [ours]);
    }
  });

  it('all of it at once reaches nobody', async () => {
    const { request } = await call({ fields: FORGED.map(([name, value]) => `${name}: ${value}`) });
    for (const [name, value] of OURS) expect(values(request!, name)).toEqual([value]);
    expect(JSON.stringify(request!.rawHeaders)).not.toMatch(/6\.6\.6\.6|evil|admin|gold/);
  });

  it.each(['X-Forwarded-For: 10.0.0.1', 'Forwarded: for=10.0.0.1', 'X-Real-IP: 10.0.0.1', 'X-Client-IP: 10.0.0.1'])(
    '%s opens no address rule',
    async (field) => {
      const { answer, request } = await call({ path: '/inside', fields: [field] });
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'ip_denied' });
      expect(request).toBeUndefined();
    },
  );

  it.each(['X-Original-URL: /named', 'X-Rewrite-URL: /named', 'X-HTTP-Method-Override: DELETE', 'X-Host: admin.test'])(
    '%s changes nothing here',
    async (field) => {
      const { answer, request } = await call({ fields: [field] });
      expect(answer.status).toBe(200);
      expect(request).toMatchObject({ method: 'GET', url: '/' });
    },
  );

  it('an identity beside a credential is not the one that arrives', async () => {
    for (const connection of ['keep-alive', 'x-consumer-name, x-consumer-roles, x-consumer-id']) {
      const { request } = await call({
        path: '/named',
        fields: ['X-Consumer-Name: admin', `X-API-Key: ${KEY}`, `Connection: ${connection}`, 'X-Consumer-Roles: admin'],
      });
      expect(values(request!, 'x-consumer-name')).toEqual(['mobile-app']);
      expect(values(request!, 'x-consumer-roles')).toEqual(['user']);
      expect(values(request!, 'x-consumer-id')).toHaveLength(1);
    }
  });

  it('nobody is called by a line break', async () => {
    const { answer, request } = await named({ sub: 'eve\r\nX-Consumer-Roles: admin' });
    expect(answer.status).toBe(401);
    expect(request).toBeUndefined();
  });

  it('a role in a token that would end its line, or that reads like two, does neither', async () => {
    const roles = ['a,admin', 'b\r\nX-Evil: 1', '\u{1F600}'];
    const { request } = await named({ sub: 'eve, \u{1F600}', roles });
    expect(values(request!, 'x-evil')).toEqual([]);
    expect(values(request!, 'x-consumer-name')).toEqual(['eve%2C%20%F0%9F%98%80']);
    expect(values(request!, 'x-consumer-roles').join().split(',')).not.toContain('admin');
  });
});

describe('the request id', () => {
  it.each(BAD_IDS.map((id) => [id.slice(0, 60), id] as const))('%j is not taken', async (_label, id) => {
    const { answer, request } = await call({ fields: [`X-Request-Id: ${id}`] });
    const [given, ...more] = values(request!, 'x-request-id');
    expect(given).toMatch(UUID);
    expect(more).toEqual([]);
    expect(answer.headers.get('x-request-id')).toBe(given);
  });

  it.each(GOOD_IDS)('%s is kept', async (id) => {
    const { answer, request } = await call({ fields: [`X-Request-Id: ${id}`] });
    expect(values(request!, 'x-request-id')).toEqual([id]);
    expect(answer.headers.get('x-request-id')).toBe(id);
  });

  it('that is sent twice is not taken', async () => {
    const { request } = await call({ fields: ['X-Request-Id: a', 'X-Request-Id: b'] });
    expect(values(request!, 'x-request-id')).toEqual([expect.stringMatching(UUID)]);
  });
});

describe('the trace', () => {
  it.each(BAD_TRACES.map((trace) => [trace.slice(0, 80), trace] as const))('%j begins anew', async (_label, trace) => {
    const { request } = await call({ fields: [`traceparent: ${trace}`, 'tracestate: evil=1'] });
    const [given, ...more] = values(request!, 'traceparent');
    expect(given).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-0[01]$/);
    expect(given).not.toContain(TRACE_ID);
    expect(more).toEqual([]);
    expect(values(request!, 'tracestate')).toEqual([]);
  });

  it('that is sent twice begins anew', async () => {
    const { request } = await call({ fields: [`traceparent: ${GOOD_TRACE}`, `traceparent: ${GOOD_TRACE}`] });
    expect(values(request!, 'traceparent')).toEqual([expect.not.stringContaining(TRACE_ID)]);
  });

  it('that is in order is gone on with', async () => {
    const { request } = await call({
      fields: [`traceparent: ${GOOD_TRACE}`, 'tracestate: a=1', 'Connection: traceparent'],
    });
    expect(values(request!, 'traceparent')).toEqual([expect.stringMatching(`^00-${TRACE_ID}-[\\da-f]{16}-01$`)]);
  });
});

describe('the Host', () => {
  it('chooses no upstream', async () => {
    for (const host of strangeHosts(other.port)) {
      const { request } = await call({ host });
      expect(values(request!, 'host')).toEqual([host]);
      expect(values(request!, 'x-forwarded-host')).toEqual([host]);
    }
    expect(other.requests).toEqual([]);
  });

  it.each(ADMIN_HOSTS)('%s is admin.test', async (host) => {
    const { answer, request } = await call({ host });
    expect(answer).toMatchObject({ status: 403, body: 'admin' });
    expect(request).toBeUndefined();
  });

  it('in a field of another name is not the Host', async () => {
    for (const name of ['X-Forwarded-Host', 'X-Host', 'X-Original-Host', 'X-HTTP-Host-Override', 'Forwarded']) {
      expect((await call({ host: 'admin.test', fields: [`${name}: h`] })).answer.status).toBe(403);
    }
  });
});

describe('what a trusted proxy says', () => {
  it.each([
    ['of a client inside', ['X-Forwarded-For: 10.0.0.1'], 200],
    ['of a client outside', ['X-Forwarded-For: 6.6.6.6'], 403],
    ['of a client outside that calls itself inside', ['X-Forwarded-For: 10.0.0.1, 6.6.6.6'], 403],
    ['in two fields', ['X-Forwarded-For: 10.0.0.1', 'X-Forwarded-For: 6.6.6.6'], 403],
    ['of a client outside behind two proxies', ['X-Forwarded-For: 10.0.0.1, 6.6.6.6, 10.0.0.2'], 403],
    ['of what is no address', ['X-Forwarded-For: 10.0.0.1, evil'], 403],
    ['of an empty address', ['X-Forwarded-For: 10.0.0.1, '], 403],
    ['of an address with a port', ['X-Forwarded-For: 10.0.0.1, 6.6.6.6:10'], 403],
    ['of an address with a line of log', ['X-Forwarded-For: 10.0.0.1, 6.6.6.6"}{"a":"'], 403],
    ['of an IPv4 address in IPv6', ['X-Forwarded-For: ::ffff:10.0.0.1'], 200],
    ['of an IPv4 address outside in IPv6', ['X-Forwarded-For: 10.0.0.1, ::ffff:6.6.6.6'], 403],
    ['of an address in octal', ['X-Forwarded-For: 012.0.0.1'], 403],
    ['of a short address', ['X-Forwarded-For: 10.1'], 403],
    ['of an address as a number', ['X-Forwarded-For: 167772161'], 403],
    ['of very many addresses', [`X-Forwarded-For: ${'10.0.0.1, '.repeat(900)}6.6.6.6`], 403],
  ] as const)('%s', async (_of, fields, status) => {
    expect((await call({ path: '/inside', fields, to: trusting })).answer.status).toBe(status);
  });

  it('is handed on, with its own address after it, and no identity', async () => {
    const { request } = await call({
      fields: ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'X-Consumer-Name: admin', 'X-Aegis-Identity: x'],
      to: trusting,
    });
    expect(values(request!, 'x-forwarded-for')).toEqual(['6.6.6.6, 127.0.0.1']);
    expect(values(request!, 'x-forwarded-proto')).toEqual(['https']);
    expect(values(request!, 'x-consumer-name')).toEqual([]);
    expect(values(request!, 'x-aegis-identity')).toEqual([]);
  });
});

describe('what comes back', () => {
  it('has one request id, and it is ours', async () => {
    const { answer } = await call({ fields: ['X-Request-Id: mine'] });
    expect(answer.headers.get('x-request-id')).toBe('mine');
  });

  it('is not split by what a redirect takes from the path', async () => {
    const { answer } = await call({ path: '/moved/%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0a%3Cscript%3E' });
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toContain('/new/%0D%0ASet-Cookie:%20evil=1%0D%0A%0D%0A%3Cscript%3E');
    expect(answer.headers.has('set-cookie')).toBe(false);
  });

  it('does not write what was asked for into markup', async () => {
    const { answer } = await call({ path: '/../%3Cscript%3E"' });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('the log', () => {
  const FORGERY = '{"level":"error","msg":"forged"}';

  it('has a line for each request and nothing that a request has made up', async () => {
    const mark = `mark-${Date.now()}`;
    await call({ path: `/%0a${encodeURIComponent(FORGERY)}%0d%0a` });
    await call({ path: `/a"b\\c?x="${FORGERY.replaceAll(' ', '')}` });
    await call({ fields: [`User-Agent: \x9b2J\xe9"\\${FORGERY}`, `Referer: "${FORGERY}`, 'X-Request-Id: "a'] });
    await call({ fields: [`User-Agent: ${'\\'.repeat(99)}"`] });
    await call({ to: gateway, fields: [`X-Request-Id: ${mark}`] });
    const lines = await linesUntil(mark);
    for (const line of lines) {
      const parsed = JSON.parse(line) as Record<string, unknown>;
      expect(parsed['msg']).not.toBe('forged');
      // Nor anything that a terminal would obey.
      expect(line).not.toMatch(/[\p{Cc}]/u);
    }
  });

  async function linesUntil(mark: string): Promise<readonly string[]> {
    while (!gateway.stdout.some((line) => line.includes(mark))) await call({});
    return gateway.stdout.filter((line) => line.startsWith('{') || line.includes('forged'));
  }
});
