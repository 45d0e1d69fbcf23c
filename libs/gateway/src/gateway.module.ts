import { type DynamicModule, Module } from '@nestjs/common';
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
      providers: [Forwarder, { provide: SnapshotStore, useValue: store }],
      exports: [SnapshotStore],
    };
  }
}
