import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
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
const file = (name: string): string => join(folder, name);
let upstream: RecordingUpstream;
let database: TestDatabase;
let gateway: SpawnedGateway;

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore', cwd: folder });
}

/** Made by openssl, an implementation that is not ours. */
function certificate(name: string, extension: string, authority?: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
  const said = ['-subj', `/CN=${name}`, '-addext', extension];
  if (authority === undefined) {
    openssl('req', '-x509', ...key, ...said, '-days', '2', '-out', `${name}.crt`);
    return;
  }
  openssl('req', ...key, ...said, '-out', `${name}.csr`);
  const by = ['-CA', `${authority}.crt`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-copy_extensions', 'copy'];
  openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', '2', '-out', `${name}.crt`);
}

async function call(path: string, name: string | null): Promise<IncomingMessage> {
  const identity =
    name === null ? {} : { cert: readFileSync(file(`${name}.crt`)), key: readFileSync(file(`${name}.key`)) };
  const req = request({ port: gateway.port, path, rejectUnauthorized: false, agent: false, ...identity });
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
  upstream = await startUpstream();
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    scheme: 'https',
    config: {
      gateway: {
        tls: { cert: file('server.crt'), key: file('server.key'), clientCa: file('authority.crt') },
        upstreams: [{ name: 'main', targets: [upstream.url] }],
        routes: [
          { name: 'certified', path: '/certified', upstream: 'main', auth: { methods: ['mtls'], roles: ['machine'] } },
          { name: 'keys', path: '/keys', upstream: 'main', auth: 'required' },
        ],
      },
      auth: { consumers: [{ name: 'robot.example', roles: ['machine'] }] },
    },
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
});
