import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import {
  type RecordingUpstream,
  scratchFolder,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';

let upstream: RecordingUpstream;
let database: TestDatabase;

beforeAll(async () => {
  upstream = await startUpstream();
  database = await (await startPostgres()).createDatabase();
}, 60_000);

afterAll(async () => {
  await upstream.stop();
  await database.drop();
});

function config(gateway: object = {}) {
  return { gateway: { ...gateway, routes: [{ path: '/', upstream: upstream.url }] } };
}

/** What a gateway that cannot start says. */
async function refusal(options: Partial<Parameters<typeof spawnGateway>[0]>): Promise<string> {
  const error: unknown = await spawnGateway({ config: config(), env: { DATABASE_URL: database.url }, ...options }).then(
    async (gateway) => {
      await gateway.kill();
      return new Error('it started');
    },
    (reason: unknown) => reason,
  );
  return String(error);
}

describe('what keeps the gateway from starting is told in a line that helps', () => {
  it('a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    expect(
      await refusal({ config: config({ host: '127.0.0.1' }), env: { DATABASE_URL: database.url, PORT: String(port) } }),
    ).toContain(
      `Port ${port} is already in use. Stop what listens there, or choose another: PORT=${port + 1} npm start`,
    );
    taken.close();
  });

  it('a database that is not there, without its password', async () => {
    const said = await refusal({ env: { DATABASE_URL: 'postgres://aegis:hunter2@127.0.0.1:1/aegis' } });
    expect(said).toMatch(/127\.0\.0\.1:1/);
    expect(said).not.toContain('hunter2');
    expect(said).not.toContain('    at ');
  });

  it('a configuration with mistakes, each with its line', async () => {
    const said = await refusal({ config: 'gateway:\n  prot: 80\n  routes:\n    - path: /\n' });
    expect(said).toContain('aegis.config.yaml:2:3');
    expect(said).toContain('port');
    expect(said).toContain('aegis.config.yaml:4:');
  });

  it('an admin key that is too short', async () => {
    expect(await refusal({ env: { DATABASE_URL: database.url, AEGIS_ADMIN_KEY: 'short' } })).toContain(
      'AEGIS_ADMIN_KEY is too short',
    );
  });

  it('an option that does not exist', async () => {
    expect(await refusal({ args: ['--prot', '1'] })).toContain("'--prot'");
  });

  it('a data directory that cannot be written', async () => {
    const file = join(scratchFolder('file'), 'file');
    writeFileSync(file, '');
    const said = await refusal({ env: {}, args: ['--data-dir', join(file, 'below')] });
    expect(said).toContain(file);
    expect(said).not.toContain('    at ');
  });
});

describe('stopping', () => {
  it('finishes what is in flight, tells load balancers first, and leaves with 0', async () => {
    const gateway = await spawnGateway({
      // Longer than a busy machine keeps us from asking whether it is ready.
      config: config({ drainDelay: '3s' }),
      env: { DATABASE_URL: database.url },
    });
    upstream.hang();
    const agent = new Agent({ keepAlive: true });
    const inFlight = get(`${gateway.url}/slow`, { agent });
    const answered = once(inFlight, 'response') as Promise<[IncomingMessage]>;
    while (!upstream.requests.some(({ url }) => url === '/slow')) await new Promise(setImmediate);
    gateway.signal('SIGTERM');
    let ready: Response;
    do ready = await fetch(`${gateway.url}/health/ready`);
    while (ready.status === 200);
    expect(await ready.json()).toEqual({ status: 'not_ready', reason: 'draining' });
    expect(ready.headers.get('connection')).toBe('close');
    for (const socket of upstream.sockets) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
    upstream.answer();
    const [res] = await answered;
    expect(res.statusCode).toBe(200);
    res.resume();
    await once(res, 'end');
    expect((await gateway.exited).code).toBe(0);
    agent.destroy();
    await expect(fetch(gateway.url)).rejects.toThrow();
  });

  it('waits no longer than it was told to for those that never finish', async () => {
    const gateway = await spawnGateway({ config: config({ drain: '200ms' }), env: { DATABASE_URL: database.url } });
    upstream.hang();
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write('GET /never HTTP/1.1\r\nHost: x\r\n\r\n');
    while (!upstream.requests.some(({ url }) => url === '/never')) await new Promise(setImmediate);
    gateway.signal('SIGINT');
    await once(socket, 'close');
    expect((await gateway.exited).code).toBe(0);
    upstream.answer();
  });

  it('leaves no process behind, also none of its database', async () => {
    const gateway = await spawnGateway({ config: config() });
    const { dependencies } = (await (await fetch(`${gateway.url}/health`)).json()) as {
      dependencies: { postgres: string };
    };
    expect(dependencies.postgres).toBe('embedded');
    const family = await descendants(gateway.pid);
    expect(family.length).toBeGreaterThan(0);
    await gateway.stop();
    for (const pid of family) expect(() => process.kill(pid, 0)).toThrow();
  }, 60_000);
});

async function descendants(pid: number): Promise<number[]> {
  const { readdir, readFile } = await import('node:fs/promises');
  const parents = new Map<number, number>();
  for (const entry of await readdir('/proc')) {
    const stat = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '') : '';
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1];
    if (parent !== undefined) parents.set(Number(entry), Number(parent));
  }
  const below = (id: number): number[] =>
    [...parents].filter(([, parent]) => parent === id).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}
