import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { SnapshotStore } from '#gateway';
import { InstanceRegistry } from '#storage';
import { VERSION } from './version.js';

const BEAT = 5000;
/** One that missed three beats is not counted. */
const ALIVE = 16_000;

/** How many processes share the limits while their store is away; the last number that is known. */
export class ClusterSize {
  constructor(public instances = 1) {}
}

/** Tells the database that this instance lives and what it serves, and learns how many others do. */
export class Pulse {
  private failing = false;

  constructor(
    private readonly registry: InstanceRegistry,
    private readonly served: () => { readonly version: number; readonly hash: string },
    private readonly size: ClusterSize,
    private readonly warn: (text: string) => void,
  ) {}

  async beat(): Promise<void> {
    const { version, hash } = this.served();
    try {
      await this.registry.heartbeat({ version: VERSION, configVersion: version, configHash: hash });
      this.size.instances = Math.max(1, await this.registry.liveCount(ALIVE));
      if (this.failing) this.warn('the database is back');
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.warn(`the database cannot be reached, traffic flows on: ${String(error)}`);
      this.failing = true;
    }
  }

  async end(): Promise<void> {
    await this.registry.remove().catch(() => undefined);
  }
}

/** The pulse of a process that serves alone, every few seconds. */
@Injectable()
export class Heartbeat implements OnApplicationShutdown {
  private readonly pulse: Pulse;

  constructor(registry: InstanceRegistry, store: SnapshotStore, size: ClusterSize) {
    const logger = new Logger('Heartbeat');
    this.pulse = new Pulse(
      registry,
      () => store.current,
      size,
      (text) => logger.warn(text),
    );
  }

  @Interval(BEAT)
  async beat(): Promise<void> {
    await this.pulse.beat();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pulse.end();
  }
}
