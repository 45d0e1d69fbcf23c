import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSigner, httpbis, type SigningKey } from 'http-message-signatures';
import {
  type RecordingUpstream,
  type RedisServer,
  type SpawnedGateway,
  spawnGateway,
  startRedis,
  startUpstream,
} from '#testing';

const SECRET = randomBytes(32).toString('hex');
const ed = generateKeyPairSync('ed25519');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

const KEYS: Readonly<Record<string, SigningKey>> = {
  shared: createSigner(Buffer.from(SECRET), 'hmac-sha256', 'shared'),
  ed: createSigner(ed.privateKey.export({ format: 'pem', type: 'pkcs8' }), 'ed25519', 'ed'),
  ec: createSigner(ec.privateKey.export({ format: 'pem', type: 'pkcs8' }), 'ecdsa-p256-sha256', 'ec'),
  rsa: createSigner(rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }), 'rsa-pss-sha512', 'rsa'),
};

let upstream: RecordingUpstream;
let redis: RedisServer;
let gateways: readonly SpawnedGateway[];

function pem(pair: { publicKey: { export(options: object): string | Buffer } }): string {
  return pair.publicKey.export({ format: 'pem', type: 'spki' }).toString();
}

beforeAll(async () => {
  upstream = await startUpstream();
  redis = await startRedis();
  const config = {
    gateway: {
      routes: [{ name: 'signed', path: '/signed', upstream: upstream.url, auth: { methods: ['hmac'] } }],
    },
    auth: {
      consumers: [
        {
          name: 'partner',
          roles: ['partner'],
          hmac: [
            { keyId: 'shared', secret: SECRET },
            { keyId: 'ed', publicKey: pem(ed) },
            { keyId: 'ec', publicKey: pem(ec) },
            { keyId: 'rsa', publicKey: pem(rsa) },
          ],
        },
      ],
    },
    redis: { url: redis.url },
  };
  gateways = await Promise.all([spawnGateway({ config }), spawnGateway({ config })]);
}, 90_000);

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await upstream.stop();
  await redis.stop();
});

interface Message {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
}

/** By the other implementation, for a request that goes to `example.com`. */
async function signed(key: string, method: string, path: string, body = '', fields?: string[]): Promise<Message> {
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
  const headers = {
    host: 'example.com',
    ...(body !== '' && { 'content-digest': digest, 'content-length': String(Buffer.byteLength(body)) }),
  };
  const covered = fields ?? ['@method', '@target-uri', ...(body === '' ? [] : ['content-digest'])];
  const message = { method, url: `http://example.com${path}`, headers };
  const result = await httpbis.signMessage({ key: KEYS[key]!, fields: covered }, message);
  return { method, path, headers: result.headers };
}

async function send(message: Message, body = '', gateway = gateways[0]!): Promise<{ status: number; problem: string }> {
  return await new Promise((resolve, reject) => {
    const { method, path, headers } = message;
    const outgoing = request({ host: '127.0.0.1', port: gateway.port, method, path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => {
        const detail = response.statusCode === 200 ? '' : (JSON.parse(text) as { detail: string }).detail;
        resolve({ status: response.statusCode ?? 0, problem: detail });
      });
    });
    outgoing.on('error', reject);
    // In two pieces, so that the end comes by itself.
    outgoing.write(body.slice(0, body.length / 2));
    setImmediate(() => outgoing.end(body.slice(body.length / 2)));
  });
}

describe('requests that another implementation has signed', () => {
  it.each(Object.keys(KEYS))('pass: %s', async (key) => {
    expect(await send(await signed(key, 'GET', '/signed/a?b=c&d'))).toEqual({ status: 200, problem: '' });
    expect(upstream.requests.at(-1)?.headers).toMatchObject({
      'x-consumer-name': 'partner',
      'x-consumer-roles': 'partner',
    });
    const body = JSON.stringify({ key });
    expect((await send(await signed(key, 'POST', '/signed', body), body)).status).toBe(200);
    expect(upstream.requests.at(-1)?.body.toString()).toBe(body);
  });

  it('do not pass a second time, through whichever instance', async () => {
    const message = await signed('shared', 'GET', '/signed/once');
    expect((await send(message, '', gateways[0])).status).toBe(200);
    for (const gateway of gateways) {
      expect(await send(message, '', gateway)).toEqual({ status: 401, problem: 'This signature was used before.' });
    }
  });

  it('do not pass with another method, path, query or without what must be covered', async () => {
    const message = await signed('shared', 'GET', '/signed?a=1');
    expect((await send({ ...message, method: 'DELETE' })).status).toBe(401);
    expect((await send({ ...message, path: '/signed?a=2' })).status).toBe(401);
    expect((await send({ ...message, path: '/signed/x?a=1' })).status).toBe(401);
    expect((await send(await signed('shared', 'GET', '/signed', '', ['@method']))).problem).toContain(
      '(request-target)',
    );
    const body = await signed('shared', 'POST', '/signed', 'text', ['@method', '@target-uri']);
    expect((await send(body, 'text')).problem).toContain('must cover digest');
    expect((await send(message)).status).toBe(200);
  });

  it('never reach the upstream whole with another body', async () => {
    const right = 'x'.repeat(100_000);
    const before = upstream.requests.length;
    const message = await signed('shared', 'POST', '/signed', right);
    const answer = await send(message, `${right.slice(0, -1)}y`);
    expect(answer).toEqual({ status: 401, problem: expect.stringContaining('not the one') });
    for (const { body } of upstream.requests.slice(before)) expect(body).toHaveLength(0);
    expect((await send(await signed('ed', 'POST', '/signed', right), right)).status).toBe(200);
    expect(upstream.requests.at(-1)?.body).toHaveLength(right.length);
  });

  it('are 503, not 401, while Redis is away', async () => {
    await redis.kill();
    expect((await send(await signed('shared', 'GET', '/signed'))).status).toBe(503);
    await redis.restart();
    let status = 503;
    for (let tries = 0; status === 503 && tries < 500; tries++) {
      status = (await send(await signed('shared', 'GET', `/signed/${tries}`))).status;
    }
    expect(status).toBe(200);
  });
});
