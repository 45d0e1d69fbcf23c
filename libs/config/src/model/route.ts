import {
  boolean,
  forms,
  integer,
  list,
  object,
  optional,
  orOff,
  orSaidOff,
  type Out,
  overrides,
  percentage,
  required,
  size,
  text,
  wait,
  withDefault,
  word,
} from '../schema/index.js';
import { authRequirement } from './auth-requirement.js';
import { cors, ipRules } from './edges.js';
import { routeIdentity } from './identity.js';
import { routeRateLimit } from './rate-limiting.js';
import { BUILTIN_DEMO, checkTargetUrl, retry, targetOrigin } from './upstream.js';
import {
  checkAuthority,
  forwardedHeaderName,
  headerMatches,
  headerName,
  headerValues,
  host,
  method,
  name,
  NAME,
  oneHost,
  path,
  parameterValues,
  pathMatch,
  queryMatches,
} from './values.js';

/** The name of an upstream, or the URL of a lone target. */
const upstreamReference = text({
  words: 'name or URL of an upstream',
  check: (value) => (NAME.test(value) || value === BUILTIN_DEMO ? undefined : checkTargetUrl(value)),
  allowed: 'the name of an upstream under gateway.upstreams, or a URL such as http://127.0.0.1:3001',
}).to(
  (value) => (NAME.test(value) ? value : targetOrigin(value)),
  (value) => value,
);

const share = object({
  upstream: required(upstreamReference, 'Name or URL of an upstream.', { example: 'v1' }),
  weight: withDefault(integer({ min: 0, max: 1_000_000 }), 1, 'Share of the requests, relative to the others.'),
});
export type DeclaredShare = Out<typeof share>;

const upstreams = forms(
  {
    text: upstreamReference.to(
      (upstream): readonly DeclaredShare[] => [{ upstream, weight: 1 }],
      ([first]) => first?.upstream ?? '',
    ),
    list: list(share, { min: 1 }),
  },
  (shares) => (shares.length === 1 && shares[0]?.weight === 1 ? 'text' : 'list'),
);

const rewriteHost = text({
  words: 'preserve, upstream or a host name',
  check: (value) => checkAuthority(value),
  allowed: 'preserve, upstream or a host name such as users.internal',
}).to(
  (value): { readonly kind: 'preserve' | 'upstream' } | { readonly kind: 'name'; readonly value: string } =>
    value === 'preserve' || value === 'upstream' ? { kind: value } : { kind: 'name', value },
  (value) => (value.kind === 'name' ? value.value : value.kind),
);

const rewrite = object({
  stripPrefix: optional(path, 'Taken off the front of the path, by segment.', { example: '/api' }),
  prefix: optional(path, 'Then put before it.', { example: '/v2' }),
  path: optional(path, 'A whole new path instead of both; may use the parameters of a pattern.', {
    example: '/people/:id',
  }),
  host: withDefault(
    rewriteHost,
    'preserve',
    'Host header for the upstream: `preserve` (the client’s), `upstream` (the target’s), or a name.',
  ),
});
export type RewriteConfig = Out<typeof rewrite>;

const redirectStatus = integer({ min: 301, max: 308 }).to(
  (value, place) => {
    if (![301, 302, 303, 307, 308].includes(value)) {
      place.wrong(`${value} is not a redirect`, { allowed: '301, 302, 303, 307 or 308' });
    }
    return value;
  },
  (value) => value,
);

const redirect = object({
  status: withDefault(redirectStatus, 301, '301, 302, 303, 307 or 308.'),
  scheme: optional(word('http', 'https'), 'New scheme. Default: as asked for.', { example: 'https' }),
  host: optional(oneHost, 'New host. Default: as asked for.', { example: 'example.com' }),
  path: optional(path, 'New path; parameters of a pattern may be used. Default: as asked for.', { example: '/new' }),
  prefix: optional(path, 'Takes the place of the prefix that matched.', { example: '/new' }),
  port: optional(
    integer({ min: 1, max: 65_535 }),
    'New port. Default: the usual one of a new scheme, else as asked for.',
    {
      example: 443,
    },
  ),
});
export type RedirectConfig = Out<typeof redirect>;

const changes = object({
  set: withDefault(headerValues, {}, 'Set, whatever was there.', {
    example: { 'x-team': 'blue' },
  }),
  add: withDefault(headerValues, {}, 'Added to what is there.'),
  remove: withDefault(list(forwardedHeaderName), [], 'Taken out.', { example: ['x-internal'] }),
});
export type HeaderChanges = Out<typeof changes>;

const queryChanges = object({
  set: withDefault(parameterValues, {}, 'Set, whatever was there.'),
  remove: withDefault(list(text()), [], 'Taken out.'),
});

const request = object({
  headers: withDefault(changes, {}, 'Headers of the request on its way to the upstream.'),
  query: withDefault(queryChanges, {}, 'Query parameters on their way to the upstream.'),
});

const response = object({
  headers: withDefault(changes, {}, 'Headers of the response on its way to the client.'),
});

const mirror = object({
  upstream: required(upstreamReference, 'Name or URL of the upstream that gets the copies.', { example: 'shadow' }),
  percent: withDefault(percentage(), '100%', 'Share of the requests that are copied.'),
});
export type DeclaredMirror = Out<typeof mirror>;

const cache = object({
  ttl: withDefault(wait({ min: 0 }), '30s', 'Freshness of responses that do not say it themselves.'),
  methods: withDefault(list(word('GET', 'HEAD')), ['GET'], 'Methods whose responses are kept.'),
  vary: withDefault(list(headerName), [], 'Request headers that tell responses apart, beside their `Vary`.', {
    example: ['accept'],
  }),
  staleWhileRevalidate: withDefault(
    wait({ min: 0 }),
    '10s',
    'A response this much too old is served while a fresh one is fetched.',
  ),
  maxBody: withDefault(size({ min: 1 }), '1mb', 'Larger responses are not kept.'),
});
export type CacheConfig = Out<typeof cache>;

const respond = object({
  status: withDefault(integer({ min: 200, max: 599 }), 200, 'Status of the answer.'),
  body: withDefault(text({ empty: true }), '', 'Body of the answer.', { example: 'down for maintenance' }),
  headers: withDefault(headerValues, {}, 'Headers of the answer.'),
});
export type RespondConfig = Out<typeof respond>;

const routeLimits = object({
  body: optional(orSaidOff(size()), 'Largest request body. Default: the gateway’s. `off`: any size.', {
    example: '1mb',
  }),
});

export const route = object({
  name: optional(name, 'Appears in metrics, logs and the console. Default: derived from the path.', {
    example: 'users',
  }),
  path: withDefault(
    pathMatch,
    '/',
    '`/api/users` takes this path and everything below it, by segment. `/orders/:id/items` is a pattern for the whole path. `/files/*` takes everything below `/files/`. Or `{ exact: … }`, `{ prefix: … }`, `{ regex: … }`. A regular expression, here and anywhere else, that a client could slow the gateway down with is refused, with what to write instead.',
    { example: '/api/users' },
  ),
  hosts: withDefault(
    list(host, { orOne: true }),
    [],
    'Hosts, exact or as `*.example.com`; empty: any. The port is ignored.',
    {
      example: ['api.example.com'],
    },
  ),
  methods: withDefault(list(method, { orOne: true }), [], 'Methods; empty: all. As listed: GET does not imply HEAD.', {
    example: ['GET', 'POST'],
  }),
  headers: withDefault(
    headerMatches,
    {},
    'Headers that must all fit: an exact value, `{ regex: … }` or `{ present: true }`.',
    {
      example: { version: 'two' },
    },
  ),
  query: withDefault(queryMatches, {}, 'Query parameters that must all fit, as under `headers`.', {
    example: { beta: '1' },
  }),
  priority: withDefault(
    integer(),
    0,
    'The higher one wins where several routes take a request, before paths are compared.',
  ),
  upstream: optional(
    upstreams,
    'Where requests go: a name, a URL, or a weighted list. A route has exactly one of `upstream`, `redirect`, `respond`.',
    { example: 'users' },
  ),
  rewrite: withDefault(rewrite, {}, 'What the upstream is asked for.'),
  redirect: optional(redirect, 'Answer with a redirect instead.'),
  request: withDefault(request, {}, 'Changes to the request.'),
  response: withDefault(response, {}, 'Changes to the response.'),
  mirror: optional(mirror, 'Copies of requests for another upstream, whose answers nobody sees.'),
  timeout: optional(orSaidOff(wait()), 'For the whole exchange. Default: only the `timeouts` of the upstream hold.', {
    example: '30s',
  }),
  retry: optional(orSaidOff(overrides(retry)), 'Overrides the upstream’s `retry`, key by key.', {
    example: { attempts: 1 },
  }),
  cors: optional(orSaidOff(overrides(cors)), 'Overrides `gateway.cors`, key by key.', {
    example: { origins: ['https://app.example.com'] },
  }),
  ip: withDefault(ipRules, {}, 'Address rules of this route, beside the gateway’s.'),
  limits: withDefault(routeLimits, {}, 'Overrides `gateway.limits`.'),
  cache: withDefault(
    orOff(cache),
    'off',
    'Keep responses, as RFC 9111 allows. A map, even an empty one, switches it on.',
    {
      example: { ttl: '30s' },
    },
  ),
  websocket: withDefault(boolean(), true, 'Whether upgrades to WebSocket pass.'),
  respond: optional(respond, 'Answer without an upstream.', { example: { status: 503, body: 'down for maintenance' } }),
  auth: optional(
    authRequirement,
    'Who may use it: `required`, `optional`, `none`, or a map of demands. Default: `auth.default`.',
    { example: 'required' },
  ),
  identity: optional(
    orSaidOff(routeIdentity),
    'Whether the upstream is told who calls in a signed `X-Aegis-Identity`. A map, even an empty one, switches it on. Default: as `auth.identity` says.',
    { example: { audience: 'orders' } },
  ),
  rateLimit: optional(
    routeRateLimit,
    'Its own rule, or a list of rules, in place of `rateLimiting.default`; what they leave out is taken from there. false: none.',
    { example: { limit: 10, window: '1m' } },
  ),
});
export type DeclaredRoute = Out<typeof route>;
