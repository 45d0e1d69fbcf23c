import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { systemClock } from '#kernel';
import { RedisConnection } from '#storage';
import { MemoryStore } from './cache/memory-store.js';
import { type CacheStore } from './cache/cache-store.js';
import { RedisStore } from './cache/redis-store.js';
import { ResponseCache } from './cache/response-cache.js';
import { Forwarder } from './forward/forwarder.js';
import { ProxyController } from './proxy.controller.js';
import { SnapshotStore } from './snapshot-store.js';

/** The data plane. */
@Module({})
export class GatewayModule {
  /** `imports`: what the guards of the pipeline need, and the connection to Redis. */
  static register(store: SnapshotStore, imports: DynamicModule[]): DynamicModule {
    return {
      module: GatewayModule,
      imports,
      controllers: [ProxyController],
      providers: [
        Forwarder,
        {
          provide: ResponseCache,
          useFactory: (redis: RedisConnection | null) => new ResponseCache(storeOf(redis), now),
          inject: [RedisConnection],
        },
        { provide: SnapshotStore, useValue: store },
      ],
      exports: [SnapshotStore],
    };
  }
}

const now = (): number => systemClock.now();
const logger = new Logger('Cache');

/** Shared with other instances where there is a Redis. */
function storeOf(redis: RedisConnection | null): CacheStore {
  if (redis === null) return new MemoryStore(now);
  return new RedisStore({
    redis: redis.client,
    now,
    onChange: ({ state, reason }) => {
      if (state === 'closed') logger.warn('answers are kept in Redis again');
      else logger.warn(`Redis is away (${reason}): nothing is kept until it is back`);
    },
  });
}
