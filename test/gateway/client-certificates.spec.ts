import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import {
  type RecordingUpstream,
  scratchFolder,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';

const folder = scratchFolder('client-certificates');
/** Which of the two a client hears depends on whether its request had been read when it was cut off. */
const CUT = /socket hang up|ECONNRESET/;
const file = (name: string): string => join(folder, name);
let upstream: RecordingUpstream;
let database: TestDatabase;
let gateway: SpawnedGateway;

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore', cwd: folder });
}

/** Made by openssl, an implementation that is not ours. */
function certificate(name: string, extension: string, authority?: string, days = '2'): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
  const said = ['-subj', `/CN=${name}`, '-addext', extension];
  if (authority === undefined) {
    openssl('req', '-x509', ...key, ...said, '-days', '2', '-out', `${name}.crt`);
    return;
  }
  openssl('req', ...key, ...said, '-out', `${name}.csr`);
  const by = ['-CA', `${authority}.crt`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-copy_extensions', 'copy'];
  openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', days, '-out', `${name}.crt`);
}

function configuration(
  consumerFrom: string,
  consumer: string | null,
  authority = 'authority',
  certificates: readonly string[] = [],
): object {
  return {
    gateway: {
      tls: { cert: file('server.crt'), key: file('server.key'), clientCa: file(`${authority}.crt`) },
      upstreams: [{ name: 'main', targets: [upstream.url] }],
      routes: [
        { name: 'certified', path: '/certified', upstream: 'main', auth: { methods: ['mtls'], roles: ['machine'] } },
        { name: 'keys', path: '/keys', upstream: 'main', auth: 'required' },
      ],
    },
    auth: {
      mtls: { consumerFrom },
      consumers: consumer === null ? [] : [{ name: consumer, roles: ['machine'], certificates }],
    },
  };
}

/** Has another configuration served, from when it says so on. */
async function served(config: object): Promise<void> {
  writeFileSync(gateway.configFile, JSON.stringify(config));
  const req = request({
    port: gateway.port,
    path: '/_aegis/reload',
    method: 'POST',
    rejectUnauthorized: false,
    agent: false,
    headers: { 'x-api-key': gateway.adminKey },
  });
  req.end();
  const [response] = (await once(req, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(200);
}

async function call(path: string, name: string | null, agent: Agent | false = false): Promise<IncomingMessage> {
  const identity =
    name === null ? {} : { cert: readFileSync(file(`${name}.crt`)), key: readFileSync(file(`${name}.key`)) };
  const req = request({ port: gateway.port, path, rejectUnauthorized: false, agent, ...identity });
  req.end();
  const [response] = (await once(req, 'response')) as [IncomingMessage];
  response.resume();
  return response;
}

beforeAll(async () => {
  certificate('authority', 'basicConstraints=critical,CA:TRUE');
  certificate('server', 'subjectAltName=DNS:localhost');
  certificate('robot', 'subjectAltName=URI:spiffe://x/robot,DNS:robot.example,DNS:second.example', 'authority');
  certificate('nameless', 'keyUsage=digitalSignature', 'authority');
  certificate('expired', 'subjectAltName=DNS:robot.example', 'authority', '-1');
  certificate('foreign-authority', 'basicConstraints=critical,CA:TRUE');
  certificate('foreign', 'subjectAltName=DNS:robot.example', 'foreign-authority');
  upstream = await startUpstream();
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    scheme: 'https',
    config: configuration('san-dns', 'robot.example'),
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await database.drop();
});

describe('a client certificate', () => {
  it('names the consumer, with the roles that are declared for it', async () => {
    expect((await call('/certified', 'robot')).statusCode).toBe(200);
    expect(upstream.requests.at(-1)!.headers).toMatchObject({
      'x-consumer-name': 'robot.example',
      'x-consumer-roles': 'machine',
    });
  });

  it('is asked for where it is missing, and refused where it names nobody', async () => {
    const without = await call('/certified', null);
    expect([without.statusCode, without.headers['www-authenticate']]).toEqual([401, 'ClientCertificate realm="aegis"']);
    expect((await call('/certified', 'nameless')).statusCode).toBe(401);
  });

  it('opens no route that does not list it', async () => {
    expect((await call('/keys', 'robot')).statusCode).toBe(401);
  });

  it.each(['expired', 'foreign'])('that is %s is not even heard', async (name) => {
    await expect(call('/certified', name)).rejects.toThrow(CUT);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'that is foreign is told of by its address, and never as a request, over %s',
    async (version) => {
      const identity = { cert: readFileSync(file('foreign.crt')), key: readFileSync(file('foreign.key')) };
      const own = await spawnGateway({
        env: { DATABASE_URL: database.url },
        scheme: 'https',
        config: configuration('san-dns', 'robot.example'),
      });
      try {
        for (let i = 0; i < 5; i++) {
          const socket = connect({
            port: own.port,
            host: '127.0.0.1',
            rejectUnauthorized: false,
            minVersion: version,
            maxVersion: version,
            ...identity,
          });
          // The request is on its way as soon as there can be one.
          socket.write('GET /certified HTTP/1.1\r\nHost: x\r\n\r\n');
          socket.on('error', () => undefined);
          let heard = '';
          socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
          await new Promise((resolve) => socket.once('close', resolve));
          expect(heard).toBe('');
        }
      } finally {
        await own.stop();
      }
      const lines = own.stdout.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines.filter(({ path }) => path === '/certified')).toEqual([]);
      expect(lines.filter(({ msg }) => String(msg).includes('client certificate is not trusted'))).toEqual([
        expect.objectContaining({ clientIp: '127.0.0.1', reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', untold: 0 }),
      ]);
    },
  );

  it.each([
    ['subject-cn', 'robot'],
    ['fingerprint', ''],
  ])('names the consumer by its %s where that is asked for', async (consumerFrom, name) => {
    const { fingerprint256 } = new X509Certificate(readFileSync(file('robot.crt')));
    const expected = name === '' ? fingerprint256.replaceAll(':', '').toLowerCase() : name;
    await served(configuration(consumerFrom, expected));
    expect((await call('/certified', 'robot')).statusCode).toBe(200);
    expect(upstream.requests.at(-1)!.headers).toMatchObject({
      'x-consumer-name': expected,
      'x-consumer-roles': 'machine',
    });
  });

  it.each([
    ['san-uri', () => 'spiffe://x/robot'],
    ['san-dns', () => 'robot.example'],
    ['fingerprint', () => new X509Certificate(readFileSync(file('robot.crt'))).fingerprint256],
  ])('by its %s may stand for a consumer of another name, until it is taken from there', async (consumerFrom, said) => {
    await served(configuration(consumerFrom, 'the-robot', 'authority', ['something-else', said()]));
    expect((await call('/certified', 'robot')).statusCode).toBe(200);
    expect(upstream.requests.at(-1)!.headers).toMatchObject({ 'x-consumer-name': 'the-robot' });
    await served(configuration(consumerFrom, 'the-robot', 'authority', ['something-else']));
    expect((await call('/certified', 'robot')).statusCode).toBe(403);
  });

  it('does not pass for a consumer that lists others', async () => {
    await served(configuration('san-dns', 'robot.example', 'authority', ['another.example']));
    expect((await call('/certified', 'robot')).statusCode).toBe(401);
  });

  it('is worth nothing when its consumer is removed, also on connections that there are', async () => {
    await served(configuration('san-dns', 'robot.example'));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      expect((await call('/certified', 'robot', agent)).statusCode).toBe(200);
      await served(configuration('san-dns', null));
      expect((await call('/certified', 'robot', agent)).statusCode).toBe(403);
    } finally {
      agent.destroy();
    }
  });

  it('is none any more when its authority is no longer trusted', async () => {
    await served(configuration('san-dns', 'robot.example', 'foreign-authority'));
    await expect(call('/certified', 'robot')).rejects.toThrow(CUT);
    expect((await call('/certified', 'foreign')).statusCode).toBe(200);
  });
});
