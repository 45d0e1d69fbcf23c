import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type StorageLog } from '../storage-error.js';
import { type Account } from './account.js';
import { type Binaries } from './binaries.js';
import { cannotRun, failedOn } from './failures.js';
import { Leash } from './leash.js';
import { type Place } from './place.js';
import { environment, Reach } from './reach.js';
import { serverArguments } from './settings.js';

export interface Launch {
  readonly binaries: Binaries;
  readonly cluster: string;
  readonly account: Account | undefined;
  readonly place: Place;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: StorageLog;
}

const READY = 'database system is ready to accept connections';
const RECOVERING = 'automatic recovery in progress';
const REMEMBERED_LINES = 30;
const STILL_STARTING_MS = 10_000;
const FAST_MS = 20_000;
const IMMEDIATE_MS = 5_000;

/** One run of the server, from the moment that it takes connections until it has ended. */
export class Postmaster {
  readonly ended: Promise<void>;
  readonly #lines: string[] = [];

  private constructor(
    private readonly launch: Launch,
    private readonly child: ChildProcess,
    leash: Leash,
  ) {
    this.ended = once(child, 'exit').then(() => leash.release());
  }

  /** In a session of its own, so that Ctrl-C in our terminal leaves it to us when it stops. */
  static async start(launch: Launch): Promise<Postmaster> {
    const { binaries, cluster, account, place, settings } = launch;
    const reach = new Reach(cluster, account);
    const program = join(binaries.home, 'bin', 'postgres');
    const child = spawn(program, ['-D', reach.path, ...serverArguments(place, settings)], {
      cwd: '/',
      detached: true,
      env: environment(),
      stdio: reach.stdio('ignore'),
      ...account,
    });
    reach.close();
    if (child.pid === undefined) {
      const [error] = (await once(child, 'error')) as [Error];
      throw cannotRun('postgres', error);
    }
    const postmaster = new Postmaster(launch, child, new Leash(child.pid, { signal: 'INT', account }));
    await postmaster.#ready();
    return postmaster;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The server says in its log when it is ready. However long it recovers, we wait for that as long as it lives. */
  async #ready(): Promise<void> {
    const { child, launch } = this;
    const patience = setInterval(() => {
      launch.log.info('the embedded PostgreSQL is still starting; after an unclean stop it first has to recover');
    }, STILL_STARTING_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        child.once('close', () => reject(failedOn(launch.cluster, 'postgres', this.#lines.join('\n'))));
        if (!child.stderr) return;
        createInterface({ input: child.stderr }).on('line', (line) => {
          this.#heard(line);
          if (line.includes(READY)) resolve();
        });
      });
    } finally {
      clearInterval(patience);
    }
    // Whoever uses the database stays alive by itself; the server must not keep a process that is done from ending.
    child.unref();
    (child.stderr as Socket | null)?.unref();
  }

  #heard(line: string): void {
    const { log } = this.launch;
    this.#lines.push(line);
    if (this.#lines.length > REMEMBERED_LINES) this.#lines.shift();
    if (line.includes(RECOVERING)) log.info('the database was not stopped cleanly; PostgreSQL recovers it');
    else if (/^(?:FATAL|PANIC):/.test(line)) log.warn(`PostgreSQL: ${line}`);
    else log.debug(`PostgreSQL: ${line}`);
  }

  /** Ends its sessions and writes everything down; only if it does not manage that, the hard way. */
  async stop(): Promise<void> {
    const { child } = this;
    child.ref();
    const kill = (signal: NodeJS.Signals) => () => void child.kill(signal);
    const harder = setTimeout(kill('SIGQUIT'), FAST_MS);
    const hardest = setTimeout(kill('SIGKILL'), FAST_MS + IMMEDIATE_MS);
    child.kill('SIGINT');
    await this.ended;
    clearTimeout(harder);
    clearTimeout(hardest);
  }
}
