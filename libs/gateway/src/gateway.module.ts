import { type DynamicModule, Module } from '@nestjs/common';
import { Forwarder } from './forward/forwarder.js';
import { ProxyController } from './proxy.controller.js';
import { SnapshotStore } from './snapshot-store.js';

/** The data plane. */
@Module({})
export class GatewayModule {
  static register(store: SnapshotStore): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [ProxyController],
      providers: [Forwarder, { provide: SnapshotStore, useValue: store }],
      exports: [SnapshotStore],
    };
  }
}
