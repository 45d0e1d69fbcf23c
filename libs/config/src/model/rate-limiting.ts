import {
  forms,
  integer,
  list,
  number,
  object,
  optional,
  orOff,
  type Out,
  overrides,
  required,
  text,
  wait,
  waitOr,
  withDefault,
  word,
} from '../schema/index.js';
import { checkHeaderName, cidr, headerMatches, secretHeaderMatches, method, name, rulePath } from './values.js';

const algorithm = word('token-bucket', 'sliding-window', 'fixed-window');
export type RateLimitAlgorithm = Out<typeof algorithm>;

const KEY_WORDS = ['auto', 'ip', 'consumer', 'api-key', 'user', 'route'] as const;
const NAMED_KEY = /^(header|cookie|claim):(.+)$/;

/** What a limit counts by. `auto`: the consumer when known, else the address. */
export type RateLimitKey =
  | { readonly kind: (typeof KEY_WORDS)[number] }
  | { readonly kind: 'header' | 'cookie' | 'claim'; readonly name: string };

const key = text({
  words: 'key of a limit',
  check: (value) => {
    const [, kind, of = ''] = NAMED_KEY.exec(value) ?? [];
    if (kind !== undefined) return kind === 'claim' ? undefined : checkHeaderName(of);
    return KEY_WORDS.some((word) => word === value) ? undefined : 'it is not known here';
  },
  allowed: 'ip, consumer, api-key, user, route, auto, header:NAME, cookie:NAME, claim:NAME, or a list of them',
}).to(
  (value): RateLimitKey => {
    const [, kind, of = ''] = NAMED_KEY.exec(value) ?? [];
    if (kind === 'header') return { kind, name: of.toLowerCase() };
    if (kind === 'cookie' || kind === 'claim') return { kind, name: of };
    return { kind: KEY_WORDS.find((word) => word === value) ?? 'auto' };
  },
  (value) => ('name' in value ? `${value.kind}:${value.name}` : value.kind),
);

type Cost =
  | { readonly kind: 'fixed'; readonly value: number }
  | { readonly kind: 'header' | 'response-header'; readonly name: string };

const fixedCost = number({ min: 0, max: 1_000_000 }).to(
  (value): Cost => ({ kind: 'fixed', value }),
  (cost) => (cost.kind === 'fixed' ? cost.value : 1),
);

const COST = /^(header|response:header):(.+)$/;

const headerCost = text({
  words: 'cost',
  check: (value) => {
    const [, , of] = COST.exec(value) ?? [];
    return of === undefined ? 'it is not a cost' : checkHeaderName(of);
  },
  allowed: 'a number, header:NAME or response:header:NAME',
}).to(
  (value): Cost => {
    const [, kind, of = ''] = COST.exec(value) ?? [];
    return { kind: kind === 'header' ? 'header' : 'response-header', name: of.toLowerCase() };
  },
  (cost) => (cost.kind === 'fixed' ? '' : `${cost.kind === 'header' ? 'header' : 'response:header'}:${cost.name}`),
);

const names = list(text({ words: 'name' }), { orOne: true });

const limit = {
  algorithm: withDefault(
    algorithm,
    'token-bucket',
    '`token-bucket` (a steady rate with bursts), `sliding-window` (exact over any window), `fixed-window` (aligned to the clock).',
  ),
  limit: withDefault(integer({ min: 1 }), 100, 'Requests per `window`.'),
  window: withDefault(
    waitOr(['day', 'month'], { min: 100 }),
    '1m',
    'The time that `limit` is for. `day` and `month` make it a quota of the calendar (UTC), kept across restarts; `algorithm` and `burst` then have no effect.',
  ),
  burst: optional(integer({ min: 1 }), 'Size of the token bucket. Default: `limit`.', { example: 100 }),
  key: withDefault(
    list(key, { orOne: true, min: 1 }),
    'auto',
    'What is counted by: `auto` (consumer when known, else ip), `ip`, `consumer`, `api-key`, `user`, `route`, `header:NAME`, `cookie:NAME`, `claim:NAME`, or a list of several combined.',
    {
      example: ['ip', 'header:x-tenant'],
    },
  ),
};

const matchFields = {
  consumer: withDefault(names, [], 'Names of consumers.'),
  roles: withDefault(names, [], 'Roles of the caller.'),
  plan: withDefault(names, [], 'Plans of the caller.', { example: 'gold' }),
  header: withDefault(headerMatches, {}, 'Headers as under `gateway.routes[].headers`.'),
};

export const rule = object({
  name: optional(
    name,
    'Appears in `RateLimit-Policy`, metrics and refusals. Default: derived from the path, or the name of the route.',
    {
      example: 'critical',
    },
  ),
  path: withDefault(rulePath, '/*', 'Paths it is for: one path, or everything below with `/*`.', {
    example: '/api/critical',
  }),
  methods: withDefault(list(method, { orOne: true }), [], 'Methods it is for; empty: all.', { example: ['POST'] }),
  match: withDefault(
    object(matchFields),
    {},
    'Callers it is for; all that are given must fit, and within one any entry does.',
  ),
  ...limit,
  cost: withDefault(
    forms({ number: fixedCost, text: headerCost }, ({ kind }) => (kind === 'fixed' ? 'number' : 'text')),
    1,
    'What a request costs: a number, `header:NAME`, or `response:header:NAME` (charged after).',
  ),
  mode: withDefault(word('enforce', 'shadow'), 'enforce', '`shadow` counts and reports, and never refuses.'),
});

const routeRule = overrides(rule);
export type DeclaredRouteLimit = Out<typeof routeRule>;

/** One rule or a list; what a rule leaves out is taken from `rateLimiting.default`. */
export const routeRateLimit = orOff(list(routeRule, { orOne: true })).to(
  (value) => value ?? [],
  (value) => value,
);

export const declaredRule = object({
  ...rule.fields,
  limit: required(integer({ min: 1 }), 'Requests per `window`.', { example: 10 }),
});
export type DeclaredRule = Out<typeof declaredRule>;

const defaultLimit = object(limit);

/** Of one consumer, in place of what a rule says for all. */
export const ownLimit = object({
  limit: required(integer({ min: 1 }), 'Requests per `window`.', { example: 1000 }),
  window: optional(wait({ min: 100 }), 'Default: the window of the rule.', { example: '1m' }),
  burst: optional(integer({ min: 1 }), 'Default: `limit`.', { example: 2000 }),
});

export const rateLimiting = object({
  store: withDefault(
    word('auto', 'redis', 'memory'),
    'auto',
    'Where counts are kept. `auto`: Redis when it is configured, else memory.',
  ),
  onStoreFailure: withDefault(
    word('local', 'allow', 'deny'),
    'local',
    'While Redis is away: `local` (each instance enforces limit ÷ live instances), `allow`, or `deny` (503 `limiter_unavailable`).',
  ),
  accuracy: withDefault(
    word('exact', 'leased'),
    'exact',
    '`exact` asks the store each time; `leased` takes tokens in batches: cheaper, with a bounded overshoot.',
  ),
  headers: withDefault(
    list(word('draft', 'legacy')),
    ['draft', 'legacy'],
    'Response headers: `draft` = `RateLimit` and `RateLimit-Policy`, `legacy` = `X-RateLimit-*`.',
  ),
  default: withDefault(
    orOff(defaultLimit),
    'off',
    'Applies where no rule matches. A map, even an empty one, switches it on.',
    {
      example: { limit: 100, window: '1m' },
    },
  ),
  apply: withDefault(
    word('all', 'most-specific'),
    'all',
    'Of the rules that match: `all` apply and one refusal refuses, or only the `most-specific` one does (rules in shadow are counted beside it).',
  ),
  rules: withDefault(list(declaredRule), [], 'Which of those that match apply, `apply` says.'),
  bypass: withDefault(
    object({
      ips: withDefault(list(cidr), [], 'Addresses that are never limited.', { example: ['10.1.2.3/32'] }),
      consumers: withDefault(names, [], 'Consumers that are never limited.'),
      roles: withDefault(names, [], 'Roles that are never limited.'),
      paths: withDefault(list(rulePath), [], 'Paths that are never limited.', { example: ['/health'] }),
      header: withDefault(secretHeaderMatches, {}, 'Headers that lift the limits: whoever sends them is not limited.'),
    }),
    {},
    'Who is never limited: whoever fits one of these.',
  ),
});
