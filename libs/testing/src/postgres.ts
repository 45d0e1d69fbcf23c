import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Client } from 'pg';
import { EmbeddedPostgres, type StorageLog } from '#storage';
import { scratchFolder } from './scratch.js';
import { onceAWorker } from './worker-memory.js';

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  drop(): Promise<void>;
}

const silent: StorageLog = { debug: ignore, info: ignore, warn: ignore, error: ignore };
/** Nothing of a test has to outlast a power cut. */
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** The PostgreSQL of this jest worker, started by whoever needs it first, gone with the worker. */
export async function startPostgres(): Promise<PostgresServer> {
  const { url, pid } = await onceAWorker('postgres', async () => await PostgresServer.start());
  return new PostgresServer(url, pid);
}

/** A real server. `startPostgres` shares one; a test that stops it starts its own with `StoppablePostgres`. */
class PostgresServer {
  constructor(
    readonly url: string,
    readonly pid: number,
  ) {}

  static async start(): Promise<PostgresServer> {
    const { url, pid } = await startIn(scratchFolder('postgres'));
    return new PostgresServer(url, pid);
  }

  async createDatabase(): Promise<TestDatabase> {
    const name = `test_${randomBytes(8).toString('hex')}`;
    await run(this.url, `CREATE DATABASE ${name} STRATEGY wal_log`);
    const url = new URL(this.url);
    url.pathname = `/${name}`;
    return {
      name,
      url: url.toString(),
      drop: async () => {
        await run(this.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      },
    };
  }
}

/** A server of one's own that may go away, or hang, and come back at the same address. */
export class StoppablePostgres {
  #paused: readonly number[] = [];

  private constructor(
    private readonly folder: string,
    private server: EmbeddedPostgres,
  ) {}

  static async start(): Promise<StoppablePostgres> {
    const folder = scratchFolder('postgres');
    return new StoppablePostgres(folder, await startIn(folder));
  }

  get url(): string {
    return this.server.url;
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  async startAgain(): Promise<void> {
    this.server = await startIn(this.folder);
  }

  /** Connections stay, and new ones are even taken, but nothing is answered. */
  async pause(): Promise<void> {
    const { pid } = this.server;
    process.kill(pid, 'SIGSTOP');
    // From here on it makes no more sessions that would be missed.
    while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await setImmediate();
    const sessions = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    for (const session of sessions) process.kill(session, 'SIGSTOP');
    this.#paused = [pid, ...sessions];
  }

  resume(): void {
    for (const pid of this.#paused) process.kill(pid, 'SIGCONT');
    this.#paused = [];
  }
}

async function run(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function startIn(folder: string): Promise<EmbeddedPostgres> {
  return await EmbeddedPostgres.start({ dataDir: join(folder, 'data'), log: silent, settings: FAST });
}

function ignore(): void {
  // Tests look at what a server does, not at what it says.
}
