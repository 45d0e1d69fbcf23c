import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type RecordingUpstream,
  type RedisServer,
  type SpawnedGateway,
  spawnGateway,
  startRedis,
  startUpstream,
} from '#testing';

const WORKERS = 2;
const ASK_EVERY_MS = 20;
const DEADLINE_MS = 30_000;

let redis: RedisServer;
let upstream: RecordingUpstream;
let gateway: SpawnedGateway;
/** Answers to `/held`, which the test gives. */
const held: ServerResponse[] = [];

interface Status {
  pid: number;
  requests: number;
  config: { hash: string };
  health: { dependencies: { postgres: string } };
  workers: { number: number; pid: number; configHash: string; requests: number }[];
  instances: { pid: number }[];
}

function config(version: string): string {
  return JSON.stringify({
    gateway: {
      workers: WORKERS,
      drain: '20s',
      upstreams: [{ name: 'main', targets: [upstream.url] }],
      routes: [{ name: 'all', path: '/', upstream: 'main', response: { headers: { set: { 'x-version': version } } } }],
    },
    redis: { url: redis.url },
    rateLimiting: { rules: [{ name: 'ten', path: '/limited', algorithm: 'fixed-window', limit: 10, window: '24d' }] },
    monitoring: { logs: { access: false } },
  });
}

async function start(): Promise<SpawnedGateway> {
  const started = await spawnGateway({ config: config('first') });
  await until(started, ({ workers }) => workers.length === WORKERS);
  return started;
}

async function admin(of: SpawnedGateway, path: string, method = 'GET'): Promise<unknown> {
  const headers = { 'x-api-key': of.adminKey, connection: 'close' };
  return await (await fetch(of.url + path, { method, headers })).json();
}

async function until(of: SpawnedGateway, holds: (status: Status) => boolean): Promise<Status> {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const now = (await admin(of, '/_aegis/status')) as Status;
    if (holds(now)) return now;
    if (performance.now() > end) throw new Error(`not in time: ${JSON.stringify(now)}`);
    await pause(ASK_EVERY_MS);
  }
}

/** Each request on a connection of its own, so that all workers are asked. */
async function version(): Promise<string> {
  const agent = new Agent();
  const [res] = (await once(get(`${gateway.url}/`, { agent }), 'response')) as [IncomingMessage];
  res.resume();
  await once(res, 'end');
  return String(res.headers['x-version']);
}

function lives(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

beforeAll(async () => {
  redis = await startRedis();
  upstream = await startUpstream((req, res) => {
    req.resume();
    if (req.url === '/held') held.push(res);
    else setTimeout(() => res.end('ok'), 20);
  });
  gateway = await start();
}, 90_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await redis.stop();
});

describe('gateway.workers', () => {
  it('serves from so many processes with one database, one instance and one banner', async () => {
    const status = await until(gateway, ({ workers, instances }) => workers.length === WORKERS && instances.length > 0);
    const pids = status.workers.map(({ pid }) => pid);
    expect(new Set(pids).size).toBe(WORKERS);
    expect(pids).toContain(status.pid);
    expect(pids).not.toContain(gateway.pid);
    expect(status.workers.map(({ number }) => number)).toEqual([1, 2]);
    expect(status.instances.map(({ pid }) => pid)).toEqual([gateway.pid]);
    expect(status.health.dependencies.postgres).toBe('embedded');
    expect(gateway.stderr.filter((line) => line.includes('ready in'))).toHaveLength(1);
    expect(gateway.stderr.join('\n')).toContain('Workers   2');
  });

  it('says how many requests all workers have served, whichever is asked', async () => {
    let asked = 0;
    const more = async (): Promise<Status> => {
      await version();
      asked++;
      return await until(gateway, ({ workers }) => workers.reduce((sum, { requests }) => sum + requests, 0) === asked);
    };
    for (; asked < 19; asked++) await version();
    let status = await more();
    // The kernel gives connections to whom it likes: one of them may have had all.
    while (!status.workers.every(({ requests }) => requests > 0)) status = await more();
    expect(status.requests).toBe(asked);
  });

  it('reloads in every worker before it answers that it has', async () => {
    writeFileSync(gateway.configFile, config('second'));
    await admin(gateway, '/_aegis/reload', 'POST');
    const seen = await Promise.all(Array.from({ length: 4 * WORKERS }, () => version()));
    expect(new Set(seen)).toEqual(new Set(['second']));
  });

  it('reloads in every worker on SIGHUP', async () => {
    writeFileSync(gateway.configFile, config('third'));
    gateway.signal('SIGHUP');
    const end = performance.now() + DEADLINE_MS;
    for (let alike = 0; alike < 4 * WORKERS && performance.now() < end;) {
      alike = (await version()) === 'third' ? alike + 1 : 0;
    }
    expect(await version()).toBe('third');
  });

  it('loses nothing but what is in flight on a worker that is killed, and starts another', async () => {
    const { workers } = await until(gateway, (status) => status.workers.length === WORKERS);
    const victim = workers[0]!;
    let going = true;
    let asked = 0;
    let inFlight = 0;
    const failures: string[] = [];
    const client = async (keepAlive: boolean): Promise<void> => {
      const agent = new Agent({ keepAlive, maxSockets: 1 });
      for (; going; asked++) {
        inFlight++;
        try {
          const request = get(`${gateway.url}/`, { agent, timeout: 20_000 });
          request.on('timeout', () => request.destroy(new Error('no answer')));
          const [res] = (await once(request, 'response')) as [IncomingMessage];
          res.resume();
          await once(res, 'end');
          if (res.statusCode !== 200) failures.push(String(res.statusCode));
        } catch (error) {
          failures.push(String(error));
        }
        inFlight--;
      }
      agent.destroy();
    };
    const clients = Array.from({ length: 6 }, (_, i) => client(i % 2 === 0));
    try {
      while (asked < 50) await pause(ASK_EVERY_MS);
      process.kill(victim.pid, 'SIGKILL');
      const atDeath = inFlight;
      await until(gateway, (status) => {
        return status.workers.length === WORKERS && status.workers.every(({ pid }) => pid !== victim.pid);
      });
      const afterwards = asked;
      while (asked < afterwards + 50) await pause(ASK_EVERY_MS);
      expect(failures.filter((failure) => !/ECONNRESET|socket hang up/.test(failure))).toEqual([]);
      expect(failures.length).toBeLessThanOrEqual(atDeath);
      await gateway.says('worker 1 ended (SIGKILL); another is started at once');
    } finally {
      going = false;
      await Promise.all(clients);
    }
  }, 90_000);

  it('finishes what is in flight on every worker when it is stopped, and leaves no process behind', async () => {
    const other = await start();
    const { workers } = await until(other, (status) => status.workers.length === WORKERS);
    const answers = Array.from({ length: 6 }, async () => {
      const [res] = (await once(get(`${other.url}/held`, { agent: new Agent() }), 'response')) as [IncomingMessage];
      res.resume();
      await once(res, 'end');
      return res.statusCode;
    });
    while (held.length < answers.length) await pause(ASK_EVERY_MS);
    const stopped = other.stop();
    while (other.stdout.filter((line) => line.includes('"draining"')).length < WORKERS) await pause(ASK_EVERY_MS);
    for (const res of held) res.end('late, but whole');
    expect(await Promise.all(answers)).toEqual(answers.map(() => 200));
    expect(await stopped).toEqual({ code: 0, signal: null });
    expect(workers.filter(({ pid }) => lives(pid))).toEqual([]);
  }, 90_000);

  it('does not start at all, and says once why, when the port is taken', async () => {
    const taken = spawnGateway({ config: config('first'), env: { PORT: String(gateway.port) } });
    await expect(taken).rejects.toThrow(`Port ${gateway.port} is already in use`);
    const text = await taken.then(
      () => '',
      (error: unknown) => String(error),
    );
    expect(text.split('already in use')).toHaveLength(2);
  }, 60_000);

  it('enforces a limit divided by all workers while Redis is away', async () => {
    await redis.kill();
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i < 60; i++) {
      const [res] = (await once(get(`${gateway.url}/limited`, { agent: new Agent() }), 'response')) as [
        IncomingMessage,
      ];
      res.resume();
      await once(res, 'end');
      statuses.push(res.statusCode);
    }
    const admitted = statuses.filter((status) => status === 200).length;
    expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
    expect([admitted > 0, admitted <= 10]).toEqual([true, true]);
  }, 60_000);

  it('leaves no worker behind when it is killed', async () => {
    const { workers } = await until(gateway, (status) => status.workers.length === WORKERS);
    await gateway.kill();
    const end = performance.now() + DEADLINE_MS;
    while (workers.some(({ pid }) => lives(pid)) && performance.now() < end) await pause(ASK_EVERY_MS);
    expect(workers.filter(({ pid }) => lives(pid))).toEqual([]);
  }, 60_000);
});
