import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { freePort, type RecordingUpstream, type SpawnedGateway, spawnGateway, startUpstream, within } from '#testing';

const RESOURCE = 'https://api.example.com';
const OPAQUE = 'https://opaque.example.com';
const CLIENTS = [
  { client_id: 'aegis', client_secret: 'the-secret-of-aegis' },
  { client_id: 'robot', client_secret: 'the-secret-of-the-robot' },
];

/** A real provider of identities. */
class Issuer {
  readonly asked: string[] = [];
  private server: Server | undefined;

  private constructor(
    readonly url: string,
    private readonly port: number,
    private readonly provider: Provider,
  ) {}

  static async start(): Promise<Issuer> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const issuer = new Issuer(url, port, provider(url, await exportJWK(privateKey)));
    await issuer.listen();
    return issuer;
  }

  async listen(): Promise<void> {
    const handle = this.provider.callback();
    this.server = createServer((req, res) => {
      this.asked.push(req.url ?? '');
      void handle(req, res);
    });
    await new Promise<void>((resolve) => this.server?.listen(this.port, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  count(path: string): number {
    return this.asked.filter((each) => each.startsWith(path)).length;
  }

  async post(path: string, [id, secret]: readonly [string, string], body: Record<string, string>): Promise<Response> {
    return await fetch(this.url + path, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
      body: new URLSearchParams(body),
    });
  }

  async token(resource: string, scope = 'read'): Promise<string> {
    const body = { grant_type: 'client_credentials', resource, scope };
    const response = await this.post('/token', ['robot', 'the-secret-of-the-robot'], body);
    const { access_token: token } = (await response.json()) as { access_token?: string };
    if (token === undefined) throw new Error(`no token: ${response.status}`);
    return token;
  }

  async revoke(token: string): Promise<void> {
    await this.post('/token/revocation', ['robot', 'the-secret-of-the-robot'], { token });
  }
}

function provider(url: string, key: JWK): Provider {
  const made = new Provider(url, {
    clients: CLIENTS.map((client) => ({
      ...client,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256' }] },
    scopes: ['read', 'write'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'read write',
          accessTokenTTL: 60,
          accessTokenFormat: resource === RESOURCE ? 'jwt' : 'opaque',
        }),
      },
    },
  });
  return made;
}

let issuer: Issuer;
let upstream: RecordingUpstream;
let gateway: SpawnedGateway;

beforeAll(async () => {
  issuer = await Issuer.start();
  upstream = await startUpstream();
  gateway = await spawnGateway({
    config: {
      gateway: {
        routes: [
          { name: 'both', path: '/both', upstream: upstream.url, auth: { methods: ['jwt', 'oauth2'] } },
          { name: 'oauth', path: '/oauth', upstream: upstream.url, auth: { methods: ['oauth2'] } },
          {
            name: 'writers',
            path: '/writers',
            upstream: upstream.url,
            auth: { methods: ['oauth2'], scopes: ['write'] },
          },
        ],
      },
      auth: {
        oauth2: {
          issuer: issuer.url,
          clientId: 'aegis',
          clientSecret: 'the-secret-of-aegis',
          introspection: true,
          introspectionCache: '1s',
        },
        consumers: [{ name: 'robot', roles: ['machine'] }],
      },
    },
  });
}, 90_000);

afterAll(async () => {
  await gateway.stop();
  await issuer.stop();
  await upstream.stop();
});

async function call(path: string, token: string): Promise<{ status: number; code: string }> {
  const response = await fetch(gateway.url + path, { headers: { authorization: `Bearer ${token}` } });
  const { code = '' } = (await response.json()) as { code?: string };
  return { status: response.status, code };
}

const GOOD = { status: 200, code: '' };
const BAD = { status: 401, code: 'invalid_credentials' };

describe('access tokens of a real issuer', () => {
  it('that are JWTs are verified by its keys, which are found by discovery and fetched once', async () => {
    const token = await issuer.token(RESOURCE);
    expect(token.split('.')).toHaveLength(3);
    for (let i = 0; i < 3; i++) expect(await call('/oauth', token)).toEqual(GOOD);
    expect(await call('/oauth', await issuer.token(RESOURCE))).toEqual(GOOD);
    expect(upstream.requests.at(-1)?.headers).toMatchObject({
      'x-consumer-name': 'robot',
      'x-consumer-roles': 'machine',
    });
    expect([issuer.count('/.well-known/openid-configuration'), issuer.count('/jwks')]).toEqual([1, 1]);
    expect(issuer.count('/token/introspection')).toBe(0);
  });

  it('that are opaque are asked about once in a while', async () => {
    const token = await issuer.token(OPAQUE);
    const began = performance.now();
    for (let i = 0; i < 3; i++) expect(await call('/oauth', token)).toEqual(GOOD);
    const seconds = Math.floor((performance.now() - began) / 1000);
    expect(upstream.requests.at(-1)?.headers).toMatchObject({ 'x-consumer-name': 'robot' });
    expect(issuer.count('/token/introspection')).toBeLessThanOrEqual(1 + seconds);
  });

  it('bring their scopes', async () => {
    for (const resource of [RESOURCE, OPAQUE]) {
      expect(await call('/writers', await issuer.token(resource, 'write'))).toEqual(GOOD);
      expect(await call('/writers', await issuer.token(resource, 'read'))).toEqual({ status: 403, code: 'forbidden' });
    }
  });

  it('that were revoked are refused two seconds later', async () => {
    const token = await issuer.token(OPAQUE);
    expect(await call('/oauth', token)).toEqual(GOOD);
    await issuer.revoke(token);
    await within(2000, async () => (await call('/oauth', token)).status !== 200);
    expect(await call('/oauth', token)).toEqual(BAD);
  });

  it('that it did not give are refused, and asked about once', async () => {
    const before = issuer.count('/token/introspection');
    for (let i = 0; i < 3; i++) expect(await call('/oauth', 'never-given')).toEqual(BAD);
    expect(issuer.count('/token/introspection') - before).toBe(1);
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
    const forged = await new SignJWT({ sub: 'robot', iss: issuer.url })
      .setProtectedHeader({ alg: 'RS256', kid, typ: 'at+jwt' })
      .setExpirationTime('1h')
      .sign(privateKey);
    expect(await call('/oauth', forged)).toEqual(BAD);
    expect(await call('/both', forged)).toEqual(BAD);
  });
});

describe('an issuer that is away', () => {
  it('is 503 for tokens that nobody knows; what is known goes on', async () => {
    const [known, jwt] = [await issuer.token(OPAQUE), await issuer.token(RESOURCE)];
    const other = await issuer.token(OPAQUE);
    expect([await call('/oauth', known), await call('/oauth', jwt)]).toEqual([GOOD, GOOD]);
    await issuer.stop();
    expect(await call('/oauth', other)).toEqual({ status: 503, code: 'store_unavailable' });
    expect([await call('/oauth', known), await call('/oauth', jwt)]).toEqual([GOOD, GOOD]);
    await issuer.listen();
    expect(await call('/oauth', other)).toEqual(GOOD);
  });
});
