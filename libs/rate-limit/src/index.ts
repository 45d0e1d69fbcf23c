export { AddressGuard } from './address.guard.js';
export { FailedCredentials } from './failed-credentials.js';
export { RateLimitGuard } from './rate-limit.guard.js';
export { RateLimitModule, type RateLimitOptions } from './rate-limit.module.js';
export { type LimiterState, RateLimiter } from './rate-limiter.js';
export { LimitUsage } from './usage/limit-usage.js';
export { AWAY, Breaker as StoreBreaker, type BreakerState as StoreBreakerState } from './stores/redis/breaker.js';
export { PathIndex } from './rules/path-index.js';
export { RuleSet } from './rules/rule-set.js';
