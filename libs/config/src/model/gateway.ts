import {
  boolean,
  integer,
  list,
  object,
  optional,
  orOff,
  type Out,
  required,
  size,
  text,
  wait,
  withDefault,
} from '../schema/index.js';
import { cors, ipRules } from './edges.js';
import { route } from './route.js';
import { serverTls } from './tls.js';
import { upstream } from './upstream.js';
import { cidr } from './values.js';

/** `host`: an address, a name or nothing special. */
export const listenHost = text({
  words: 'address',
  check: (value) => (/^[\w.:%-]+$/.test(value) ? undefined : 'it is not an address to listen on'),
  allowed: 'an address of this machine, such as 0.0.0.0, 127.0.0.1 or ::',
});

const limits = object({
  body: withDefault(orOff(size()), '10mb', 'Largest request body; above it 413. `off`: any size.'),
  headers: withDefault(size({ min: 1024, max: 1024 ** 2 }), '16kb', 'Largest request head; above it 431.'),
  url: withDefault(size({ min: 64, max: 1024 ** 2 }), '8kb', 'Longest request target; above it 414.'),
  connections: withDefault(integer({ min: 1 }), 10_000, 'Connections at once, per process.'),
  headersTimeout: withDefault(wait(), '10s', 'For the request head to arrive.'),
  requestTimeout: withDefault(
    orOff(wait()),
    '60s',
    'For the whole request to arrive. `off`: as long as it keeps coming.',
  ),
  keepAlive: withDefault(wait(), '65s', 'How long an idle connection is kept.'),
});
export type LimitsConfig = Out<typeof limits>;

export const gateway = object({
  host: withDefault(listenHost, '0.0.0.0', 'Address to listen on.'),
  port: withDefault(integer({ min: 0, max: 65_535 }), 8080, 'Port to listen on; 0 takes a free one. Also `PORT`.'),
  workers: withDefault(
    integer({ min: 1, max: 256 }),
    1,
    'Processes that share the port. More than one needs Redis. One more starts them, and another when one dies.',
  ),
  tls: optional(
    orOff(serverTls),
    'Serve HTTPS. Absent: plain HTTP. Files are watched: a renewed certificate is served without a restart.',
  ),
  trustedProxies: withDefault(
    list(cidr),
    [],
    'Whose `X-Forwarded-*` are believed; from anyone else they are discarded.',
    { example: ['10.0.0.0/8'] },
  ),
  limits: withDefault(limits, {}, 'What a request may be at most.'),
  drain: withDefault(
    wait({ min: 0 }),
    '30s',
    'On SIGTERM: readiness 503 at once, then what is in flight is finished, for at most this long.',
  ),
  drainDelay: withDefault(
    wait({ min: 0 }),
    '0s',
    'On SIGTERM: new requests are accepted this long first (Kubernetes: until endpoints have followed).',
  ),
  compression: withDefault(boolean(), true, 'Compress responses that gain by it and are not compressed yet.'),
  cors: optional(orOff(cors), 'Cross-origin requests. Absent: none. A preflight is answered before authentication.'),
  securityHeaders: withDefault(
    boolean(),
    true,
    'Helmet’s headers, on responses of Aegis itself and on proxied ones that lack them.',
  ),
  ip: withDefault(ipRules, {}, 'Addresses that may come in, IPv4 and IPv6.'),
  upstreams: withDefault(list(upstream), [], 'Where requests can go.'),
  routes: required(list(route), 'Which requests go where.', {
    example: [{ path: '/api/users', upstream: 'http://127.0.0.1:3001' }],
  }),
});
