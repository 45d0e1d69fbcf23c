import {
  boolean,
  forms,
  integer,
  list,
  object,
  optional,
  orOff,
  type Out,
  percentage,
  required,
  text,
  wait,
  withDefault,
  word,
} from '../schema/index.js';
import { clientTls } from './tls.js';
import { checkHeaderName, method, name, path } from './values.js';

/** The address of Aegis's own demo server, whose port is only known once it runs. */
export const BUILTIN_DEMO = 'builtin:demo';

export function checkTargetUrl(value: string): string | undefined {
  if (value === BUILTIN_DEMO) return undefined;
  if (!URL.canParse(value)) return 'it is not a URL';
  const url = new URL(value);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'it must begin with http:// or https://';
  if (url.username !== '' || url.password !== '') {
    return 'a target has no credentials; set an authorization header under request.headers of the route';
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return 'a target is a host without a path; prepend a path with rewrite.prefix of the route';
  }
  return undefined;
}

export function targetOrigin(value: string): string {
  return value === BUILTIN_DEMO || value === '' ? value : new URL(value).origin;
}

const targetUrl = text({
  words: 'URL of a target',
  check: checkTargetUrl,
  allowed: 'http://host:port, https://host:port or builtin:demo',
}).to(targetOrigin, (value) => value);

const weight = integer({ min: 0, max: 1_000_000 });

const target = object({
  url: required(
    targetUrl,
    'Where it is: `http://host:port`, `https://host:port`, or `builtin:demo` for the demo server inside Aegis.',
    {
      example: 'http://127.0.0.1:3001',
    },
  ),
  weight: withDefault(weight, 1, 'Share of the traffic, relative to the other targets. 0 takes no traffic.'),
  resolve: withDefault(
    orOff(wait({ min: 1000 })),
    'off',
    'Use all addresses of the name, and look them up again this often. Off: the name is resolved when a connection is opened.',
    { example: '10s' },
  ),
});
export type TargetConfig = Out<typeof target>;

const targetByUrl = targetUrl.to(
  (url): TargetConfig => ({ url, weight: 1, resolve: null }),
  ({ url }) => url,
);

const STATUS_RANGE = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/;

const statusRanges = text({
  words: 'status or range of statuses',
  check: (value) => {
    for (const part of value.split(',')) {
      const match = STATUS_RANGE.exec(part.trim());
      if (!match) return `${JSON.stringify(part.trim())} is not a status or range of statuses`;
      if (Number(match[2] ?? match[1]) < Number(match[1])) return 'the range ends before it begins';
    }
    return undefined;
  },
  allowed: 'statuses such as 200, 200-399 or 200,204,300-399',
}).to(
  (value) =>
    value.split(',').map((part) => {
      const [from = '0', to = from] = part.trim().split('-');
      return { from: Number(from), to: Number(to) };
    }) as readonly { readonly from: number; readonly to: number }[],
  (ranges) => ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(','),
);

const activeHealth = object({
  path: withDefault(path, '/healthz', 'What is asked for.'),
  interval: withDefault(wait({ min: 100 }), '5s', 'Time between two checks of a target; some jitter is added.'),
  timeout: withDefault(wait(), '1s', 'A check that takes longer has failed.'),
  healthy: withDefault(integer({ min: 1, max: 100 }), 2, 'Good checks in a row that bring a target back.'),
  unhealthy: withDefault(integer({ min: 1, max: 100 }), 3, 'Bad checks in a row that take a target out.'),
  status: withDefault(statusRanges, '200-399', 'Statuses that count as good.'),
});
export type ActiveHealth = Out<typeof activeHealth>;

const passiveHealth = object({
  failures: withDefault(integer({ min: 1, max: 10_000 }), 5, 'Failures in a row that take a target out.'),
  eject: withDefault(wait(), '30s', 'How long it stays out the first time; longer each time that follows.'),
  maxEjected: withDefault(
    percentage(),
    '50%',
    'Never more of the targets than this are out at once, rounded down: a lone target is never ejected.',
  ),
});
export type PassiveHealth = Out<typeof passiveHealth>;

const healthParts = object({
  active: withDefault(
    orOff(activeHealth),
    'off',
    'Checks that Aegis makes by itself. A map, even an empty one, switches them on.',
    {
      example: { path: '/healthz', interval: '5s' },
    },
  ),
  passive: withDefault(orOff(passiveHealth), {}, 'What is learnt from the traffic.'),
  allDown: withDefault(
    word('fail', 'try'),
    'fail',
    'When every target is out: `fail` answers 503 `no_healthy_upstream`, `try` sends anyway.',
  ),
});

const health = orOff(healthParts).to(
  (value) => value ?? { active: null, passive: null, allDown: 'fail' as const },
  (value) => value,
);
export type HealthConfig = Out<typeof health>;

const breaker = object({
  failures: withDefault(percentage({ min: 0.01 }), '50%', 'Share of failures within `window` that opens it.'),
  minimum: withDefault(integer({ min: 1 }), 10, 'Requests within `window` below which it never opens.'),
  window: withDefault(wait({ min: 100 }), '10s', 'How far back it looks.'),
  open: withDefault(wait(), '15s', 'How long it stays open before it lets probes through.'),
  probes: withDefault(integer({ min: 1, max: 1000 }), 1, 'Requests let through at once while it is half open.'),
});
export type BreakerConfig = Out<typeof breaker>;

const FAULTS = ['connect', 'reset', 'timeout'] as const;
export type Fault = (typeof FAULTS)[number];

const retryReason = forms(
  { text: word(...FAULTS), number: integer({ min: 400, max: 599 }) },
  (value) => (typeof value === 'number' ? 'number' : 'text'),
  'connect, reset, timeout or a status from 400 to 599',
);

export const retry = object({
  attempts: withDefault(integer({ min: 0, max: 20 }), 2, 'Retries after the first try; 0 = none.'),
  when: withDefault(
    list(retryReason),
    ['connect', 'reset', 'timeout', 502, 503, 504],
    'What is retried: `connect`, `reset`, `timeout`, and statuses.',
  ),
  methods: withDefault(list(method), ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'], 'Methods that may be sent twice.'),
  budget: withDefault(
    percentage(),
    '20%',
    'Share of requests that may be retries, never less than 10 a second. A retry after a refused connection is free.',
  ),
  backoff: withDefault(wait({ min: 0 }), '25ms', 'Pause before the first retry; doubles each time, with jitter.'),
});
export type RetryConfig = Out<typeof retry>;

const timeouts = object({
  connect: withDefault(orOff(wait()), '2s', 'Until the connection (and its TLS) stands.'),
  response: withDefault(orOff(wait()), '30s', 'From the request’s last byte to the head of the response.'),
  idle: withDefault(orOff(wait()), '60s', 'Between two pieces of a body.'),
});
export type TimeoutsConfig = Out<typeof timeouts>;

const concurrency = forms(
  { text: word('adaptive', 'unlimited'), number: integer({ min: 1 }) },
  (value) => (typeof value === 'number' ? 'number' : 'text'),
  'number, adaptive or unlimited',
);

type HashOn =
  { readonly kind: 'ip' | 'consumer' | 'path' } | { readonly kind: 'header' | 'cookie'; readonly name: string };

const HASH_WORDS = ['ip', 'consumer', 'path'] as const;

const hashOn = text({
  words: 'hash key',
  check: (value) => {
    const [, kind, of = ''] = /^(header|cookie):(.*)$/.exec(value) ?? [];
    if (kind !== undefined) return checkHeaderName(of);
    return HASH_WORDS.some((word) => word === value) ? undefined : 'it is not known here';
  },
  allowed: 'ip, consumer, path, header:NAME or cookie:NAME',
}).to(
  (value): HashOn => {
    const [, kind, of = ''] = /^(header|cookie):(.*)$/.exec(value) ?? [];
    if (kind === 'header') return { kind, name: of.toLowerCase() };
    if (kind === 'cookie') return { kind, name: of };
    return { kind: HASH_WORDS.find((word) => word === value) ?? 'ip' };
  },
  (value) => ('name' in value ? `${value.kind}:${value.name}` : value.kind),
);

export const upstream = object({
  name: required(name, 'What routes call it by; appears in metrics and logs.', { example: 'users' }),
  targets: required(
    list(
      forms({ text: targetByUrl, map: target }, () => 'map'),
      { min: 1 },
    ),
    'Where its servers are. A lone URL stands for `{ url: … }`.',
    { example: ['http://127.0.0.1:3001', { url: 'http://127.0.0.1:3002', weight: 2 }] },
  ),
  balance: withDefault(
    word('round-robin', 'least-requests', 'random-two', 'ewma', 'hash'),
    'round-robin',
    'How a target is chosen: `round-robin` (weighted, smooth), `least-requests`, `random-two` (the less busy of two), `ewma` (the faster of two), or `hash` (the same key, the same target).',
  ),
  hashOn: optional(
    hashOn,
    'For `balance: hash`, what is hashed: `ip` (the default), `consumer`, `path`, `header:NAME` or `cookie:NAME`.',
    { example: 'header:x-user-id' },
  ),
  slowStart: withDefault(
    wait({ min: 0 }),
    '0s',
    'A target that is new or back gets its full share only after this long.',
  ),
  health: withDefault(health, {}, 'Which targets are fit to be chosen.'),
  breaker: withDefault(
    orOff(breaker),
    {},
    'Circuit breaker of each target. The upstream answers 503 `circuit_open` when every target’s is open.',
  ),
  retry: withDefault(orOff(retry), {}, 'Second tries on another target, before the first byte of a response.'),
  timeouts: withDefault(timeouts, {}, 'How long Aegis waits for a target. Each may be `off`.'),
  concurrency: withDefault(
    concurrency,
    'unlimited',
    'Requests in flight at once: a number, `adaptive` (finds the limit by itself) or `unlimited`. Above it 503 `overloaded`, at once.',
  ),
  tls: withDefault(clientTls, {}, 'For `https://` targets.'),
  http2: withDefault(boolean(), false, 'Speak HTTP/2 to the targets: by ALPN over TLS, with prior knowledge without.'),
});
export type DeclaredUpstream = Out<typeof upstream>;
