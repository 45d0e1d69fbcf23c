import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';

const LIMIT_MS = 2000;

let upstream: RecordingUpstream;
let http2: Http2Server;
let database: TestDatabase;
let gateway: SpawnedGateway;
/** What the upstreams have yet to answer, by path. */
const waiting = new Map<string, () => void>();
let checksWait = false;

beforeAll(async () => {
  upstream = await startUpstream((req: IncomingMessage, res: ServerResponse) => {
    req.resume();
    if (req.url === '/upload') req.on('end', () => res.end('uploaded'));
    else if (req.url === '/healthz' && !checksWait) res.end();
    else waiting.set(req.url ?? '', () => res.end('in time'));
  });
  http2 = createServer();
  http2.on('stream', (stream: ServerHttp2Stream) => waiting.set('/two', () => stream.end('in time')));
  http2.listen(0, '127.0.0.1');
  await once(http2, 'listening');
  database = await (await startPostgres()).createDatabase();
  const limit = `${LIMIT_MS}ms`;
  const plain = { targets: [upstream.url], retry: 'off', breaker: 'off', health: 'off' };
  const timeouts = { response: limit };
  const active = { path: '/healthz', interval: '100ms', timeout: limit, unhealthy: 1 };
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        limits: { requestTimeout: limit, headersTimeout: '60s', keepAlive: `${1.5 * LIMIT_MS}ms` },
        upstreams: [
          { ...plain, name: 'main' },
          { ...plain, name: 'hurried', timeouts },
          {
            ...plain,
            name: 'two',
            targets: [`http://127.0.0.1:${(http2.address() as AddressInfo).port}`],
            http2: true,
            timeouts,
          },
          { ...plain, name: 'watched', health: { active } },
        ],
        routes: [
          { path: '/hurried', upstream: 'hurried' },
          { path: '/two', upstream: 'two' },
          { path: '/timed', upstream: 'main', timeout: limit },
          { path: '/upload', upstream: 'main' },
          { path: '/watched', upstream: 'watched' },
        ],
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  http2.close();
  await upstream.stop();
  await database.drop();
});

async function ask(path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(gateway.url + path);
  return { status: answer.status, text: await answer.text() };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(1);
}

describe('a gateway that is held up for longer than others may be', () => {
  it('reads what came meanwhile before it calls anybody late', async () => {
    const kept = connect(gateway.port, '127.0.0.1');
    kept.write('GET /_aegis/jwks.json HTTP/1.1\r\nHost: h\r\n\r\n');
    await once(kept, 'data');
    // Connections are looked at each second: this one is seen to ask nothing.
    await pause(1100);
    checksWait = true;
    const upload = request(`${gateway.url}/upload`, { method: 'PUT', headers: { 'content-length': 8 }, agent: false });
    upload.write('half');
    const uploaded = once(upload, 'response') as Promise<[IncomingMessage]>;
    const answers = ['/hurried', '/two', '/timed'].map(ask);
    const asked = ['/hurried', '/two', '/timed', '/healthz'];
    await until(
      () => asked.every((path) => waiting.has(path)) && upstream.requests.some(({ url }) => url === '/upload'),
    );

    checksWait = false;
    gateway.signal('SIGSTOP');
    await until(() => /\) T /.test(readFileSync(`/proc/${gateway.pid}/stat`, 'utf8')));
    for (const path of asked) waiting.get(path)?.();
    upload.end('half');
    kept.write('GET /_aegis/jwks.json HTTP/1.1\r\nHost: h\r\n\r\n');
    await pause(1.5 * LIMIT_MS);
    const again = once(kept, 'data');
    gateway.signal('SIGCONT');

    expect(await Promise.all(answers)).toEqual(answers.map(() => ({ status: 200, text: 'in time' })));
    const [answer] = await uploaded;
    expect([answer.statusCode, await text(answer)]).toEqual([200, 'uploaded']);
    expect(String((await again)[0])).toMatch(/^HTTP\/1\.1 /);
    kept.destroy();
    expect(gateway.stdout.filter((line) => line.includes('unhealthy'))).toEqual([]);
  });
});
