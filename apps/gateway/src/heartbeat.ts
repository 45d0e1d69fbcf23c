import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { SnapshotStore } from '#gateway';
import { InstanceRegistry } from '#storage';
import { VERSION } from './version.js';

const BEAT = 5000;
/** One that missed three beats is not counted. */
const ALIVE = 16_000;

/** How many instances share the limits while their store is away; the last number that is known. */
export class ClusterSize {
  instances = 1;
}

/** Tells the database every few seconds that this instance lives and which snapshot it serves. */
@Injectable()
export class Heartbeat implements OnApplicationShutdown {
  private readonly logger = new Logger('Heartbeat');
  private failing = false;

  constructor(
    private readonly registry: InstanceRegistry,
    private readonly store: SnapshotStore,
    private readonly size: ClusterSize,
  ) {}

  @Interval(BEAT)
  async beat(): Promise<void> {
    const { version, hash } = this.store.current;
    try {
      await this.registry.heartbeat({ version: VERSION, configVersion: version, configHash: hash });
      this.size.instances = Math.max(1, await this.registry.liveCount(ALIVE));
      if (this.failing) this.logger.warn('the database is back');
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.logger.warn(`the database cannot be reached, traffic flows on: ${String(error)}`);
      this.failing = true;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.registry.remove().catch(() => undefined);
  }
}
