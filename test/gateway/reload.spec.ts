import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';

let upstream: RecordingUpstream;
let database: TestDatabase;
let gateway: SpawnedGateway;

function config(name: string): string {
  return JSON.stringify({
    gateway: {
      upstreams: [{ name: 'main', targets: [upstream.url] }],
      routes: [{ name, path: '/', upstream: 'main', timeout: '20s' }],
    },
  });
}

interface Status {
  config: { version: number; lastReload: { ok: boolean; mistakes: { line: number | null; message: string }[] } };
}

async function admin(path: string, method = 'GET'): Promise<Response> {
  return await fetch(gateway.url + path, { method, headers: { 'x-api-key': gateway.adminKey } });
}

async function status(): Promise<Status> {
  return (await (await admin('/_aegis/status')).json()) as Status;
}

async function until(holds: (status: Status) => boolean): Promise<Status> {
  for (;;) {
    const now = await status();
    if (holds(now)) return now;
    await turn();
  }
}

beforeAll(async () => {
  upstream = await startUpstream();
  database = await (await startPostgres()).createDatabase();
  gateway = await spawnGateway({ env: { DATABASE_URL: database.url }, config: config('first') });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await database.drop();
});

/** Keeps asking on kept connections until told to stop; counts what was not answered with 200. */
class Load {
  asked = 0;
  readonly failures: string[] = [];
  private going = true;
  private readonly agent = new Agent({ keepAlive: true });
  private readonly clients = Array.from({ length: 8 }, () => this.client());

  private async client(): Promise<void> {
    while (this.going) {
      this.asked++;
      const outcome = await this.ask().catch((error: unknown) => String(error));
      if (outcome !== '200') this.failures.push(outcome);
    }
  }

  private async ask(): Promise<string> {
    const [res] = (await once(get(`${gateway.url}/load`, { agent: this.agent }), 'response')) as [IncomingMessage];
    res.resume();
    await once(res, 'end');
    return String(res.statusCode);
  }

  async stop(): Promise<void> {
    this.going = false;
    await Promise.all(this.clients);
    this.agent.destroy();
  }
}

describe('while requests are coming in', () => {
  it('100 reloads, by file and by call, valid and not, drop nothing and leave WebSockets alone', async () => {
    const socket = connect(gateway.port, '127.0.0.1');
    const load = new Load();
    for (let i = 0; i < 100; i++) {
      if (i % 5 === 4) writeFileSync(gateway.configFile, 'gateway: { routes: [ }');
      else writeFileSync(gateway.configFile, config(`route-${i}`));
      const answer = await admin('/_aegis/reload', 'POST');
      expect(answer.status).toBe(i % 5 === 4 ? 422 : 200);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.asked).toBeGreaterThan(100);
    expect(socket.destroyed).toBe(false);
    socket.destroy();
    expect((await status()).config.version).toBeGreaterThan(80);
  }, 60_000);

  it('a file that is deleted, broken and restored never stops traffic, and says why', async () => {
    const load = new Load();
    const before = (await status()).config.version;
    rmSync(gateway.configFile);
    await until(({ config }) => !config.lastReload.ok);
    writeFileSync(gateway.configFile, 'gateway:\n  routes:\n    - path: relative\n');
    const broken = await until(({ config }) => config.lastReload.mistakes.some(({ line }) => line === 3));
    expect(broken.config.version).toBe(before);
    writeFileSync(`${gateway.configFile}.new`, config('restored'));
    renameSync(`${gateway.configFile}.new`, gateway.configFile);
    const restored = await until(({ config }) => config.lastReload.ok);
    expect(restored.config.version).toBe(before + 1);
    await load.stop();
    expect(load.failures).toEqual([]);
    await gateway.says('configuration refused');
  }, 60_000);

  it('a regular expression that could stop the gateway changes nothing, and is examined beside the traffic', async () => {
    const before = (await status()).config.version;
    const withPath = (name: string, regex: string): string =>
      config(name).replace('"path":"/"', `"path":${JSON.stringify({ regex })}`);
    const load = new Load();
    const answers: number[] = [];
    try {
      writeFileSync(gateway.configFile, withPath('explosive', '^/(?:[a-z]+-?)+$'));
      const refused = await admin('/_aegis/reload', 'POST');
      answers.push(refused.status);
      expect(await refused.text()).toContain('a client could stop the gateway with it');
      expect((await status()).config.version).toBe(before);
      writeFileSync(gateway.configFile, withPath('harmless', '^/[a-z]+(?:-[a-z]+)*$'));
      const asked = [1, 2, 3].map(async () => (await admin('/_aegis/reload', 'POST')).status);
      answers.push(...(await Promise.all(asked)));
    } finally {
      await load.stop();
    }
    expect(answers).toEqual([422, 200, 200, 200]);
    expect((await status()).config.version).toBe(before + 1);
    expect(load.failures).toEqual([]);
  }, 60_000);

  it('SIGHUP reads the file again', async () => {
    const before = (await status()).config.version;
    copyFileSync(gateway.configFile, `${gateway.configFile}.kept`);
    writeFileSync(gateway.configFile, config('by-signal'));
    gateway.signal('SIGHUP');
    expect((await until(({ config }) => config.version > before)).config.version).toBe(before + 1);
  });
});
