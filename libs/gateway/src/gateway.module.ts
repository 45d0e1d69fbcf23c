import { type DynamicModule, Module } from '@nestjs/common';
import { systemClock } from '#kernel';
import { MemoryStore } from './cache/memory-store.js';
import { ResponseCache } from './cache/response-cache.js';
import { Forwarder } from './forward/forwarder.js';
import { ProxyController } from './proxy.controller.js';
import { SnapshotStore } from './snapshot-store.js';

/** The data plane. */
@Module({})
export class GatewayModule {
  /** `imports`: what the guards of the pipeline need. */
  static register(store: SnapshotStore, imports: DynamicModule[]): DynamicModule {
    return {
      module: GatewayModule,
      imports,
      controllers: [ProxyController],
      providers: [
        Forwarder,
        {
          provide: ResponseCache,
          useFactory: () => new ResponseCache(new MemoryStore(() => systemClock.now()), () => systemClock.now()),
        },
        { provide: SnapshotStore, useValue: store },
      ],
      exports: [SnapshotStore],
    };
  }
}
