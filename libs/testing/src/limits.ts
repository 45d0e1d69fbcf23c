import { type RateLimitingConfig, type RateLimitRule } from '#config';

/** A rule as a checked configuration has it: 100 a minute for each address unless said otherwise. */
export function limitRule(fields: Partial<RateLimitRule> = {}): RateLimitRule {
  const rule: RateLimitRule = {
    name: 'test',
    path: '/*',
    methods: [],
    match: { consumer: [], roles: [], plan: [], header: {} },
    algorithm: 'token-bucket',
    limit: 100,
    window: 60_000,
    period: null,
    burst: null,
    key: [{ kind: 'ip' }],
    cost: { kind: 'fixed', value: 1 },
    mode: 'enforce',
    ...fields,
  };
  return { ...rule, burst: rule.algorithm === 'token-bucket' ? (fields.burst ?? rule.limit) : null };
}

export function rateLimiting(fields: Partial<RateLimitingConfig> = {}): RateLimitingConfig {
  return {
    store: 'auto',
    onStoreFailure: 'local',
    accuracy: 'exact',
    headers: ['draft', 'legacy'],
    default: null,
    apply: 'all',
    rules: [],
    ...fields,
    bypass: { ips: [], consumers: [], roles: [], paths: [], header: {}, ...fields.bypass },
  };
}
