import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync } from 'node:fs';
import { type IncomingMessage } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { freePort, scratchFolder, type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';

const folder = scratchFolder('certificates');
const file = (name: string): string => join(folder, name);

/** Made by openssl, an implementation that is not ours. */
function certificate(name: string, subject: string, issuer?: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${name}.key`)];
  const common = ['-subj', `/CN=${subject}`, '-days', '2', '-addext', `subjectAltName=DNS:${subject}`];
  const signed = issuer === undefined ? [] : ['-CA', file(`${issuer}.crt`), '-CAkey', file(`${issuer}.key`)];
  if (issuer === undefined)
    execFileSync('openssl', ['req', '-x509', ...key, ...common, '-out', file(`${name}.crt`)], { stdio: 'ignore' });
  else {
    execFileSync('openssl', ['req', ...key, ...common, '-out', file(`${name}.csr`)], { stdio: 'ignore' });
    execFileSync(
      'openssl',
      [
        'x509',
        '-req',
        '-in',
        file(`${name}.csr`),
        ...signed,
        '-CAcreateserial',
        '-days',
        '2',
        '-copy_extensions',
        'copy',
        '-out',
        file(`${name}.crt`),
      ],
      { stdio: 'ignore' },
    );
  }
}

/** Beside the listener's own, each for the name in it. */
const NAMED = { wild: '*.example.org', one: 'one.example.org', shop: 'shop.example' };

let upstream: Server;
let gateway: SpawnedGateway;
let database: TestDatabase;

beforeAll(async () => {
  certificate('clients', 'clients.example');
  certificate('alice', 'alice.example', 'clients');
  certificate('stranger', 'stranger.example');
  certificate('server', 'localhost');
  certificate('renewed', 'renewed.example');
  certificate('upstream', 'users.internal');
  for (const [name, subject] of Object.entries(NAMED)) certificate(name, subject);
  upstream = createServer(
    {
      key: readFileSync(file('upstream.key')),
      cert: readFileSync(file('upstream.crt')),
      ca: readFileSync(file('clients.crt')),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (req, res) => {
      const { subject } = (req.socket as TLSSocket).getPeerCertificate();
      res.end(JSON.stringify({ client: subject.CN, proto: req.headers['x-forwarded-proto'] }));
    },
  );
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const url = `https://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const tls = { ca: file('upstream.crt'), serverName: 'users.internal' };
  const mine = { cert: file('alice.crt'), key: file('alice.key') };
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        tls: {
          cert: file('server.crt'),
          key: file('server.key'),
          clientCa: file('clients.crt'),
          certificates: Object.keys(NAMED).map((name) => ({ cert: file(`${name}.crt`), key: file(`${name}.key`) })),
        },
        upstreams: [
          { name: 'mutual', targets: [url], tls: { ...tls, ...mine }, retry: 'off' },
          { name: 'anonymous', targets: [url], tls, retry: 'off' },
          { name: 'untrusted', targets: [url], tls: { ...mine, serverName: 'users.internal' }, retry: 'off' },
        ],
        routes: ['mutual', 'anonymous', 'untrusted'].map((name) => ({ path: `/${name}`, upstream: name })),
      },
      admin: { port: await freePort() },
    },
    scheme: 'https',
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  upstream.closeAllConnections();
  upstream.close();
  await database.drop();
});

async function ask(
  path: string,
  identity: { cert?: Buffer; key?: Buffer } = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const req = request({ port: gateway.port, path, rejectUnauthorized: false, agent: false, ...identity });
  req.end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of res) text += String(piece);
  return { status: res.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> };
}

async function servedSubject(servername?: string): Promise<string> {
  const socket = connect({ port: gateway.port, rejectUnauthorized: false, ...(servername && { servername }) });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

describe('towards an upstream', () => {
  it('the certificate of Aegis is shown, and that of the upstream checked by its name', async () => {
    expect(await ask('/mutual')).toEqual({ status: 200, body: { client: 'alice.example', proto: 'https' } });
    expect(await ask('/untrusted')).toMatchObject({ status: 502, body: { code: 'upstream_unreachable' } });
    expect(await ask('/anonymous')).toMatchObject({ status: 502 });
  });
});

describe('towards clients', () => {
  it('one without a certificate may come, one with a foreign one may not', async () => {
    const identity = (name: string) => ({
      cert: readFileSync(file(`${name}.crt`)),
      key: readFileSync(file(`${name}.key`)),
    });
    expect((await ask('/mutual', identity('alice'))).status).toBe(200);
    await expect(ask('/mutual', identity('stranger'))).rejects.toThrow();
  });

  it.each([
    ['shop.example', 'shop.example'],
    ['SHOP.example', 'shop.example'],
    ['one.example.org', 'one.example.org'],
    ['two.example.org', '*.example.org'],
    ['a.two.example.org', 'localhost'],
    ['example.org', 'localhost'],
    ['elsewhere.example', 'localhost'],
  ])('who asks for %s is shown the certificate of %s', async (asked, shown) => {
    expect(await servedSubject(asked)).toBe(shown);
  });

  it('client certificates are verified under every name', async () => {
    for (const [name, outcome] of [
      ['alice', true],
      ['stranger', false],
    ] as const) {
      const socket = connect({
        port: gateway.port,
        servername: 'shop.example',
        rejectUnauthorized: false,
        cert: readFileSync(file(`${name}.crt`)),
        key: readFileSync(file(`${name}.key`)),
      });
      socket.on('error', () => undefined);
      socket.write('GET /mutual HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n');
      let answer = '';
      socket.on('data', (piece) => (answer += String(piece)));
      await new Promise((resolve) => socket.once('close', resolve));
      expect(answer.startsWith('HTTP/1.1 200')).toBe(outcome);
    }
  });

  it('a certificate that was renewed in its file is served without a restart', async () => {
    expect(await servedSubject()).toBe('localhost');
    renameSync(file('renewed.key'), file('server.key'));
    renameSync(file('renewed.crt'), file('server.crt'));
    const end = Date.now() + 15_000;
    while ((await servedSubject()) !== 'renewed.example') {
      if (Date.now() > end) throw new Error('the renewed certificate was not served');
    }
    expect((await ask('/mutual')).status).toBe(200);
    expect(await servedSubject('shop.example')).toBe('shop.example');
    certificate('shop', 'new.example');
    while ((await servedSubject('new.example')) !== 'new.example') {
      if (Date.now() > end) throw new Error('the renewed certificate was not served by its name');
    }
    expect(await servedSubject('shop.example')).toBe('renewed.example');
  }, 20_000);
});
