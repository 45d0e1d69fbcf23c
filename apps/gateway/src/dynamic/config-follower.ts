import { type OnApplicationShutdown } from '@nestjs/common';
import { type Stores } from '#auth';
import { soon, systemClock } from '#kernel';
import { type EntityManager } from 'typeorm';
import { CONFIG_CHANNEL, type ConfigRecords, type Notifications, type Storage, type StorageLog } from '#storage';
import { type ConfigReload } from '../config-reload.js';
import { EntitySet } from './entity-set.js';
import { type KeptEntities } from './kept-entities.js';
import { readBetweenTurns } from './read-between-turns.js';

/** Announcements may be lost, with a connection or in a pooler: what is asked so often is never missed for long. */
const ASKED_EVERY_MS = 1_000;
const PATIENCE_MS = 5_000;
/** Questions that were given up but still hold a connection. */
const MOST_UNSETTLED = 2;

/**
 * Follows the entities of the database: whatever version holds there is served here a moment later. While the database is
 * away, what was served last goes on.
 */
export class ConfigFollower implements OnApplicationShutdown {
  private set = EntitySet.empty;
  private announcements: Notifications | undefined;
  private timer: NodeJS.Timeout | undefined;
  private syncing: Promise<void> | undefined;
  private again = false;
  private unsettled = 0;
  private failing = false;
  private closed = false;
  /** When the database was last asked with success, in milliseconds since the epoch; null: never yet. */
  heardAt: number | null = null;

  constructor(
    private readonly storage: Storage,
    private readonly records: ConfigRecords,
    private readonly config: ConfigReload,
    /** Of the same question as the version it hears which keys are still as they were. */
    private readonly keys: Stores['keys'],
    /** null: nothing is kept, because the database is embedded. */
    private readonly kept: KeptEntities | null,
    private readonly log: StorageLog,
  ) {}

  get entities(): EntitySet {
    return this.set;
  }

  /** Resolves when there is something to serve: what the database has, else what was kept of it. */
  async start(): Promise<void> {
    await this.sync();
    if (this.heardAt === null) {
      const kept = this.kept?.read() ?? null;
      if (kept !== null) {
        this.log.warn(`the entities of the admin API are those of version ${kept.version}, kept on this machine`);
        this.serve(kept);
      }
    }
    this.announcements = this.storage.listen(CONFIG_CHANNEL, () => void this.sync());
    this.askLater();
  }

  /** One at a time; who calls meanwhile is served by the next. */
  async sync(): Promise<void> {
    if (this.syncing !== undefined) {
      this.again = true;
      await this.syncing;
      return;
    }
    this.syncing = this.work().finally(() => (this.syncing = undefined));
    await this.syncing;
  }

  private async work(): Promise<void> {
    do {
      this.again = false;
      try {
        const before = this.set;
        const next = await this.soon(() => this.read());
        await readBetweenTurns(next, before);
        this.heardAt = Date.now();
        if (this.failing) this.log.warn('the entities of the admin API are followed again');
        this.failing = false;
        // A change that was made here meanwhile is newer than what was read.
        if (this.set === before || next.version > this.set.version) this.adopt(next);
      } catch (error) {
        if (!this.failing)
          this.log.warn(`the entities of the admin API cannot be read, what is served goes on: ${String(error)}`);
        this.failing = true;
        return;
      }
    } while (this.wantedAgain());
  }

  private wantedAgain(): boolean {
    return this.again && !this.closed;
  }

  private async read(): Promise<EntitySet> {
    const askedAt = systemClock.monotonic();
    const { version, keysEpoch } = await this.records.head();
    if (keysEpoch !== null) this.keys.confirm(keysEpoch, askedAt);
    return version === this.set.version && this.heardAt !== null ? this.set : await this.upTo(version);
  }

  /** The entities of a version that holds, in as little as is needed beyond what is known. */
  async upTo(version: number, through?: EntityManager): Promise<EntitySet> {
    const known = this.set;
    if (version === known.version && this.heardAt !== null) return known;
    // What was kept on disk is only a guess at what the database says, and one that was restored may be older.
    if (this.heardAt !== null && version > known.version) {
      const versions = await this.records.since(known.version, through);
      if (versions[0]?.version === known.version + 1) {
        return versions.reduce((set, next) => set.with(next.version, next.changes), known);
      }
    }
    const all = await this.records.all(through);
    return EntitySet.of(all.version, all.entities, known);
  }

  /** Serves them, unless they are served. */
  adopt(entities: EntitySet): void {
    if (entities === this.set) return;
    this.serve(entities);
    this.kept?.write(entities).catch((error: unknown) => {
      this.log.warn(`what the database has could not be kept on this machine: ${String(error)}`);
    });
  }

  private serve(entities: EntitySet): void {
    this.set = entities;
    this.config.adopt(entities.all(), entities.version);
  }

  private askLater(): void {
    if (this.closed) return;
    // Instances that were started together do not ask together.
    const wait = ASKED_EVERY_MS * (0.8 + 0.4 * Math.random());
    this.timer = setTimeout(() => void this.sync().finally(() => this.askLater()), wait).unref();
  }

  /** Gives up after a while; the driver cannot be made to. */
  private async soon<T>(read: () => Promise<T>): Promise<T> {
    if (this.unsettled >= MOST_UNSETTLED) throw new Error('the database has not answered the last questions yet');
    this.unsettled++;
    const settled = read().finally(() => this.unsettled--);
    return await soon(
      settled,
      PATIENCE_MS,
      () => new Error(`the database has not answered for ${PATIENCE_MS / 1000} s`),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.announcements?.close();
    await this.syncing;
  }
}
