import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import {
  type RecordingUpstream,
  scratchFolder,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';
import { certificateIn } from './websocket/certificate.js';

const LARGE = 100 * 1024 ** 2;
const PIECE = Buffer.alloc(65_536, 'x');
const folder = scratchFolder('early-answers');
const file = join(folder, 'large');

let upstream: RecordingUpstream;
const databases: TestDatabase[] = [];
const gateways: Record<'http' | 'https', SpawnedGateway | undefined> = { http: undefined, https: undefined };

beforeAll(async () => {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' });
  } catch {
    throw new Error('curl is needed here: sudo apt-get install -y curl');
  }
  writeFileSync(file, Buffer.alloc(LARGE, 'x'));
  upstream = await startUpstream((req, res) => {
    if (req.url === '/early') {
      res.end('enough');
      return;
    }
    let length = 0;
    req.on('data', (piece: Buffer) => (length += piece.length));
    req.on('end', () => res.end(String(length)));
  });
  const routes = [
    { path: '/small', upstream: 'main', limits: { body: '1mb' } },
    { path: '/locked', upstream: 'main', auth: 'required' },
    { path: '/', upstream: 'main', limits: { body: '1gb' } },
  ];
  const gateway = { limits: { requestTimeout: '60s' }, upstreams: [{ name: 'main', targets: [upstream.url] }], routes };
  const postgres = await startPostgres();
  databases.push(await postgres.createDatabase(), await postgres.createDatabase());
  const tls = certificateIn(folder);
  const auth = { jwt: { secrets: ['a-secret-of-thirty-two-characters'] } };
  [gateways.http, gateways.https] = await Promise.all([
    spawnGateway({ env: { DATABASE_URL: databases[0]!.url }, config: { gateway, auth } }),
    spawnGateway({
      env: { DATABASE_URL: databases[1]!.url },
      config: { gateway: { ...gateway, tls }, auth },
      scheme: 'https',
    }),
  ]);
}, 120_000);

afterAll(async () => {
  await Promise.all([gateways.http?.stop(), gateways.https?.stop()]);
  await upstream.stop();
  for (const database of databases) await database.drop();
});

async function open(scheme: 'http' | 'https'): Promise<Socket> {
  const { port } = gateways[scheme]!;
  const socket =
    scheme === 'http' ? connect(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, scheme === 'http' ? 'connect' : 'secureConnect');
  return socket;
}

/** Sends all of its body first and looks for an answer only then, as simple clients do. */
async function deaf(scheme: 'http' | 'https', path: string, chunked: boolean): Promise<string> {
  const socket = await open(scheme);
  let broken = '';
  socket.on('error', (error) => (broken = error.message));
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${LARGE}`;
  socket.write(`POST ${path} HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n`);
  const size = chunked ? `${PIECE.length.toString(16)}\r\n` : '';
  for (let sent = 0; sent < LARGE && broken === ''; sent += PIECE.length) {
    socket.write(size);
    if (!socket.write(PIECE)) await room(socket);
    if (chunked) socket.write('\r\n');
  }
  if (broken !== '') return broken;
  socket.end(chunked ? '0\r\n\r\n' : '');
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
  await once(socket, 'close');
  return answer;
}

/** There is room for more, or it is gone. */
async function room(socket: Socket): Promise<void> {
  const stop = new AbortController();
  const either = ['drain', 'close'].map((event): Promise<unknown> => once(socket, event, { signal: stop.signal }));
  await Promise.race(either).catch(() => undefined);
  stop.abort();
  await Promise.allSettled(either);
}

interface CurlRun {
  readonly status: number;
  readonly uploaded: number;
  readonly said: string;
  readonly body: string;
}

async function curl(scheme: 'http' | 'https', path: string, ...more: string[]): Promise<CurlRun> {
  const format = '%{stderr}\n%{http_code} %{size_upload}';
  // It would send the body after a second without an answer to its question.
  const patience = ['--expect100-timeout', '20'];
  const args = ['-sSkv', '--http1.1', ...patience, '-T', file, '-w', format, ...more, gateways[scheme]!.url + path];
  return await new Promise((resolve) => {
    execFile('curl', args, (_error, stdout, stderr) => {
      const [, status, uploaded] = /\n(\d+) (\d+)$/.exec(stderr) ?? [];
      resolve({ status: Number(status), uploaded: Number(uploaded), said: stderr, body: stdout });
    });
  });
}

describe.each(['http', 'https'] as const)('over %s, an answer that comes before the end of a body', (scheme) => {
  it.each([
    ['413 told by the length', '/small', false, 'HTTP/1.1 413'],
    ['413 told by what has come', '/small', true, 'HTTP/1.1 413'],
    ['401', '/locked', false, 'HTTP/1.1 401'],
  ])('reaches a client that sends 100 MB before it reads: %s', async (_, path, chunked, answer) => {
    expect((await deaf(scheme, path, chunked)).slice(0, answer.length)).toBe(answer);
  });

  it('reaches such a client from the upstream too', async () => {
    expect(await deaf(scheme, '/early', false)).toMatch(/^HTTP\/1\.1 200.*enough$/s);
  });

  it('spares curl the upload when it asks before, and reaches it when it does not', async () => {
    const asked = await curl(scheme, '/small');
    expect(asked).toMatchObject({ status: 413, uploaded: 0 });
    expect(asked.said).not.toContain('100 Continue');
    expect((await curl(scheme, '/small', '-H', 'Expect:')).status).toBe(413);
  });

  it('is no answer at all where 100 MB are welcome: curl hears 100 Continue and then how much it was', async () => {
    const { status, uploaded, said, body } = await curl(scheme, '/welcome');
    expect(said).toContain('< HTTP/1.1 100 Continue');
    expect({ status, uploaded, body }).toEqual({ status: 200, uploaded: LARGE, body: String(LARGE) });
  });
});
