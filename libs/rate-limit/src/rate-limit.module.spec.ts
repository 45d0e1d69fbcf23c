import { Controller, type DynamicModule, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { type Exchange, systemClock } from '#kernel';
import { exchangeOf, limitRule, rateLimiting, type RedisServer, startRedis } from '#testing';
import { AddressGuard } from './address.guard.js';
import { FailedCredentials } from './failed-credentials.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { RateLimitModule } from './rate-limit.module.js';
import { RateLimiter } from './rate-limiter.js';
import { RuleSet } from './rules/rule-set.js';
import { type RedisCommands } from './stores/redis/limiter-script.js';

@Controller()
@UseGuards(AddressGuard, RateLimitGuard)
class Proxy {}

@Module({})
class Root {}

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Limits {
  readonly limiter: RateLimiter;
  readonly failed: FailedCredentials;
  readonly guard: RateLimitGuard;
  readonly addressGuard: AddressGuard;
}

async function start(rules: RuleSet, redis: RedisCommands | null): Promise<Limits> {
  const limits = RateLimitModule.register({
    imports: [],
    inject: [],
    useFactory: () => ({
      rules: () => rules,
      redis,
      instances: () => 1,
      credentialHeaders: () => ['authorization', 'x-api-key'],
      quotas: {
        load: () => Promise.resolve([]),
        add: (uses) => Promise.resolve(uses),
        remove: () => Promise.resolve(),
      },
      clock: systemClock,
    }),
  });
  const root: DynamicModule = {
    module: Root,
    imports: [limits],
    controllers: [Proxy],
    providers: [RateLimitGuard, AddressGuard],
  };
  const app = await NestFactory.createApplicationContext(root, { logger: false });
  closers.push(() => app.close());
  return {
    limiter: app.get(RateLimiter),
    failed: app.get(FailedCredentials),
    guard: app.get(RateLimitGuard),
    addressGuard: app.get(AddressGuard),
  };
}

function contextOf(exchange: Exchange): ExecutionContextHost {
  return new ExecutionContextHost([exchange]);
}

const two = new RuleSet(rateLimiting({ default: limitRule({ limit: 2 }) }), []);

describe('the guard', () => {
  it('answers at once without Redis, and leaves the reason where it refuses', async () => {
    const { guard, limiter } = await start(two, null);
    expect([guard.canActivate(contextOf(exchangeOf())), guard.canActivate(contextOf(exchangeOf()))]).toEqual([
      true,
      true,
    ]);
    const third = exchangeOf();
    expect(guard.canActivate(contextOf(third))).toBe(false);
    expect(third.refusal).toMatchObject({ code: 'rate_limited' });
    expect(limiter.state).toMatchObject({ store: 'memory', state: 'own' });
  });

  it('asks Redis when it is there, leaves the reason there too, and says so when it is away', async () => {
    const server: RedisServer = await startRedis();
    const redis = new Redis(server.url, { maxRetriesPerRequest: 0, enableOfflineQueue: false, disconnectTimeout: 1 });
    redis.on('error', () => undefined);
    await new Promise((ready) => redis.once('ready', ready));
    closers.push(async () => {
      redis.disconnect();
      await server.stop();
    });
    const { guard, limiter } = await start(two, redis);
    const exchanges = [1, 2, 3].map(() => exchangeOf());
    const answers = exchanges.map(async (exchange) => await guard.canActivate(contextOf(exchange)));
    expect(await Promise.all(answers)).toEqual([true, true, false]);
    expect(exchanges[2]!.refusal).toMatchObject({ code: 'rate_limited' });
    expect(limiter.state).toMatchObject({ store: 'redis', state: 'shared', reason: '' });
    await server.kill();
    await guard.canActivate(contextOf(exchangeOf()));
    expect(limiter.state).toMatchObject({ store: 'redis', state: 'away' });
  });
});

describe('the address guard', () => {
  it('lets an address with too many wrong credentials send requests without any', async () => {
    const { addressGuard, failed } = await start(two, null);
    const wrong = exchangeOf({ headers: { authorization: 'Basic d3Jvbmc=' } });
    expect(addressGuard.canActivate(contextOf(wrong))).toBe(true);
    for (let index = 0; index < 20; index++) await failed.count(wrong);
    expect(addressGuard.canActivate(contextOf(wrong))).toBe(false);
    expect(wrong.refusal).toMatchObject({ code: 'rate_limited' });
    expect(addressGuard.canActivate(contextOf(exchangeOf()))).toBe(true);
  });
});
