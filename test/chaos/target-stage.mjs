import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, freePort, scratchFolder, spawnGateway, StoppablePostgres } from '#testing';

const PROGRAM = fileURLToPath(new URL('target-process.mjs', import.meta.url));
const MOST_CONNECTIONS = 256;
const LAST_MS = 5000;

/** A target in a process of its own, always at the same port. */
export class TargetProcess {
  constructor(name, port, file, bytes) {
    Object.assign(this, { name, port, file, bytes, url: `http://127.0.0.1:${port}` });
  }

  static async start(name, bytes) {
    const file = join(scratchFolder('posts'), 'posts');
    writeFileSync(file, '');
    const target = new TargetProcess(name, await freePort(), file, bytes);
    await target.start();
    return target;
  }

  async start() {
    const args = [PROGRAM, this.name, String(this.port), this.file, String(this.bytes)];
    this.child = new Child(process.execPath, args, process.env, scratchFolder('target'));
    await this.child.saysOnStdout('listening');
  }

  async kill() {
    await this.child.end('SIGKILL');
  }

  signal(name) {
    this.child.signal(name);
  }

  async behave(as) {
    await fetch(`${this.url}/behave?as=${as}`, { method: 'PUT' });
  }

  /** What was posted to it, over all its lives. */
  get posts() {
    return readFileSync(this.file, 'utf8').split('\n').filter(Boolean);
  }
}

/** A gateway on a database of its own, with this configuration. */
export async function startGateway(config, env = {}) {
  const database = await StoppablePostgres.start();
  const gateway = await spawnGateway({ config, env: { DATABASE_URL: database.url, ...env } });
  return {
    gateway,
    url: gateway.url,
    /** What it said about targets since then, with the time at which it did. */
    news: (since) =>
      gateway.stdout
        .filter((line) => line.includes('"target":'))
        .map((line) => JSON.parse(line))
        .filter(({ time }) => new Date(time).getTime() >= since)
        .map(({ time, msg }) => ({ at: new Date(time).getTime(), text: msg })),
    async stop() {
      await gateway.stop();
      await database.stop();
    },
  };
}

/** So many requests a second, however long each takes: 70% GET, 20% PUT and 10% POST, each with a number of its own. */
export class Load {
  results = [];
  #agent = new Agent({ keepAlive: true, maxSockets: MOST_CONNECTIONS });
  #open = new Set();
  #stop = new AbortController();

  /** Each answer must have so many bytes. */
  constructor(url, perSecond, bytes) {
    this.bytes = bytes;
    this.#running = this.#run(url, perSecond);
  }

  #running;

  async #run(url, perSecond) {
    const from = performance.now();
    for (let number = 0; !this.#stop.signal.aborted;) {
      for (; number < ((performance.now() - from) / 1000) * perSecond; number++) this.#ask(url, number);
      await pause(5);
    }
  }

  #ask(url, number) {
    // Drawn: in turn, the targets would take turns with them and each method go to one.
    const drawn = Math.random();
    const method = drawn < 0.1 ? 'POST' : drawn < 0.3 ? 'PUT' : 'GET';
    const result = { method, path: `/${number}`, at: Date.now(), tookMs: 0, status: 0, target: null, error: null };
    this.results.push(result);
    const done = new Promise((resolve) => {
      const end = (error) => {
        result.error ??= error;
        result.tookMs = Date.now() - result.at;
        resolve();
      };
      const asked = request(url + result.path, { method, agent: this.#agent }, (res) => {
        let bytes = 0;
        result.status = res.statusCode;
        result.target = res.headers['x-target'] ?? null;
        result.version = res.headers['x-version'];
        res.on('data', (piece) => (bytes += piece.length));
        res.on('error', (error) => end(error.code));
        res.on('end', () => end(res.statusCode === 200 && bytes !== this.bytes ? 'TRUNCATED' : null));
        res.on('close', () => end(res.complete ? null : 'CLOSED'));
      });
      asked.on('error', (error) => end(error.code));
      asked.end(method === 'GET' ? undefined : 'a body');
    });
    this.#open.add(done);
    void done.then(() => this.#open.delete(done));
  }

  /** Sends nothing more; resolves when all is answered. What is not within five seconds never will be. */
  async stop() {
    this.#stop.abort();
    await this.#running;
    const late = setTimeout(() => this.#agent.destroy(), LAST_MS);
    await Promise.all(this.#open);
    clearTimeout(late);
    this.#agent.destroy();
  }
}

export const hasFailed = ({ status, error }) => status !== 200 || error !== null;
