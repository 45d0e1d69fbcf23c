import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, type StorageLog } from '../storage-error.js';
import { accountFor } from './account.js';
import { findBinaries } from './binaries.js';
import { checkCluster, clusterIn, createCluster, openDataDir, passwordOf, ROLE } from './cluster.js';
import { inFolder, inUse } from './failures.js';
import { makeWay } from './orphan.js';
import { liveOwner, Owner } from './owner.js';
import { findPlace, type Place } from './place.js';
import { type Launch, Postmaster } from './postmaster.js';
import { readPostmasterFile } from './postmaster-file.js';
import { servesDirectory } from './process-table.js';

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly log: StorageLog;
  /** Settings of PostgreSQL beside ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

const FIRST_RESTART_MS = 250;
const LAST_RESTART_MS = 30_000;
/** Sessions of a server that was killed hold its shared memory until they notice, a moment later. */
const STRAGGLERS = /pre-existing shared memory block|lock file "postmaster.pid" already exists/;
const STRAGGLER_TRIES = 20;

/** A PostgreSQL server of our own, from npm, on a folder of ours: started, kept running and stopped with this process. */
export class EmbeddedPostgres {
  readonly url: string;
  readonly version: string;
  readonly #closing = new AbortController();
  readonly #watch: Promise<void>;
  #postmaster: Postmaster;

  private constructor(
    private readonly launch: Launch,
    private readonly owner: Owner,
    postmaster: Postmaster,
  ) {
    this.#postmaster = postmaster;
    this.version = launch.binaries.version;
    this.url = urlOf(launch.cluster, launch.place);
    this.#watch = this.#keepRunning();
  }

  static async start({ dataDir: folder, log, settings = {} }: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const dataDir = resolve(folder);
    const cluster = clusterIn(dataDir);
    let owner: Owner | undefined;
    try {
      const began = performance.now();
      const account = accountFor(cluster);
      openDataDir(dataDir, account);
      owner = Owner.claim(dataDir);
      const binaries = findBinaries(account, dataDir);
      const exists = checkCluster(cluster, binaries, account);
      if (exists) await makeWay(dataDir, cluster, log);
      else {
        log.info(`setting up PostgreSQL ${binaries.version} in ${dataDir}`);
        createCluster(dataDir, binaries, account, { synced: settings['fsync'] !== 'off' });
      }
      const place = await findPlace(dataDir, account);
      const launch: Launch = { binaries, cluster, account, place, settings, log };
      const postmaster = await startPast(launch, dataDir);
      log.debug(`PostgreSQL ${binaries.version} ready after ${Math.round(performance.now() - began)} ms`);
      return new EmbeddedPostgres(launch, owner, postmaster);
    } catch (error) {
      owner?.release();
      throw inFolder(dataDir, error);
    }
  }

  get pid(): number {
    return this.#postmaster.pid;
  }

  /** It may be killed, by a person or for want of memory: it comes back where it was, and connections find it again. */
  async #keepRunning(): Promise<void> {
    const { log } = this.launch;
    const { signal } = this.#closing;
    for (;;) {
      await this.#postmaster.ended;
      if (signal.aborted) return;
      log.error('the embedded PostgreSQL ended unexpectedly; starting it again');
      for (let wait = FIRST_RESTART_MS; ; wait = Math.min(wait * 2, LAST_RESTART_MS)) {
        try {
          const started = await Postmaster.start(this.launch);
          this.#postmaster = started;
          if (isAborted(signal)) await started.stop();
          break;
        } catch (error) {
          log.error(messageOf(error));
          await delay(wait, undefined, { signal, ref: false }).catch(() => undefined);
        }
        if (isAborted(signal)) return;
      }
    }
  }

  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#postmaster.stop();
    await this.#watch;
    const { place } = this.launch;
    if (place.kind === 'socket') rmSync(place.folder, { recursive: true, force: true });
    this.owner.release();
  }
}

/** The URL of the server that another process runs on this folder, if one does. */
export function runningUrl(folder: string): string | undefined {
  const dataDir = resolve(folder);
  const cluster = clusterIn(dataDir);
  const running = readPostmasterFile(cluster);
  if (!running || liveOwner(dataDir) === undefined || !servesDirectory(running.pid, cluster)) return undefined;
  return urlOf(cluster, running.place);
}

async function startPast(launch: Launch, dataDir: string): Promise<Postmaster> {
  for (let left = STRAGGLER_TRIES; ; left--) {
    try {
      return await Postmaster.start(launch);
    } catch (error) {
      if (!STRAGGLERS.test(messageOf(error))) throw error;
      if (left === 0) throw inUse(dataDir, readPostmasterFile(launch.cluster)?.pid);
      await delay(FIRST_RESTART_MS);
    }
  }
}

function urlOf(cluster: string, place: Place): string {
  const login = `${ROLE}:${passwordOf(cluster)}`;
  return place.kind === 'socket'
    ? `postgres://${login}@localhost:${place.port}/${ROLE}?host=${encodeURIComponent(place.folder)}`
    : `postgres://${login}@${place.host}:${place.port}/${ROLE}`;
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
