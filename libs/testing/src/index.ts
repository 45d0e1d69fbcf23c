export { Child, type ChildExit } from './child.js';
export { exchangeOf } from './exchange.js';
export { FakeClock } from './fake-clock.js';
export { type GatewayOptions, SpawnedGateway, spawnGateway } from './gateway.js';
export { limitRule, rateLimiting } from './limits.js';
export { startPostgres, StoppablePostgres, type TestDatabase } from './postgres.js';
export { RedisServer, type RedisServerOptions, startRedis } from './redis.js';
export { freePort, scratchFolder } from './scratch.js';
export { type RecordedRequest, RecordingUpstream, startUpstream, type UpstreamHandler } from './upstream.js';
