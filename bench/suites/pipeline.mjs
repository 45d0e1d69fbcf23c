// A request with everything that a gateway is bought for, beside nginx doing as much of it as it can, and bare proxies.
import { createHash } from 'node:crypto';
import { contestants, nginxPolicies } from '../contestants.mjs';
import { compare, ratioRow } from './compare.mjs';

const KEY = 'aegis_0123456789abcdef0123456789abcdef01234567';
const CONSUMER = 'mobile-app';
/** A second, for the consumer: a size that somebody might set, and that one core does not reach. */
const RATE = 50_000;

/** Route, API key, role, token bucket in memory, metrics, fields changed both ways. */
const config = (upstream) => ({
  gateway: {
    compression: 'off',
    securityHeaders: 'off',
    upstreams: [
      { name: 'shop', targets: [`http://127.0.0.1:${upstream}`], breaker: 'off', retry: 'off', health: 'off' },
    ],
    routes: [
      {
        name: 'shop',
        path: '/shop',
        upstream: 'shop',
        auth: { methods: ['api-key'], roles: ['user'] },
        request: { headers: { set: { 'x-region': 'north' } } },
        response: { headers: { set: { 'x-served-by': 'aegis' } } },
      },
    ],
  },
  auth: {
    consumers: [
      {
        name: CONSUMER,
        roles: ['user'],
        apiKeys: [{ hash: `sha256:${createHash('sha256').update(KEY).digest('hex')}` }],
      },
    ],
  },
  rateLimiting: { rules: [{ name: 'consumers', limit: RATE, window: '1s', key: 'consumer' }] },
});

/** What the whole of it may cost over each. */
const PEERS = [
  { contestant: nginxPolicies(KEY, CONSUMER, RATE), what: 'nginx with limit_req and a key check', must: 2.6 },
  ...[
    { name: 'http-proxy', what: 'bare http-proxy', must: 0.75 },
    { name: 'caddy', what: 'Caddy as a plain proxy', must: 0.7 },
  ].map(({ name, ...rest }) => ({ contestant: contestants.find((each) => each.name === name), ...rest })),
];

export const pipeline = {
  about: 'CPU per request of the full pipeline: route, API key, role, token bucket in memory, metrics, fields changed.',
  options: { rounds: 41, seconds: 0.5 },
  async run(settings) {
    const absent = PEERS.map(({ contestant }) => [contestant.name, contestant.absent()]).filter(([, why]) => why);
    for (const [name, why] of absent) console.log(`left out: ${name}: ${why}`);
    const peers = PEERS.filter(({ contestant }) => contestant.absent() === null);
    if (peers.length === 0) throw new Error('none of those that it is compared with is here');
    const fields = [`X-API-Key: ${KEY}`];
    const rows = [];
    const measured = {};
    // Each peer with Aegis by itself: the more take turns, the further apart are those that are compared.
    for (const { contestant, what, must } of peers) {
      const { name } = contestant;
      const found = await compare(
        [
          { name, contestant, fields },
          { name: 'aegis', config, fields },
        ],
        settings,
      );
      measured[name] = found;
      rows.push(ratioRow(`full pipeline ÷ ${what}`, found, [name, 'aegis'], must));
    }
    return { measured: { ...measured, leftOut: Object.fromEntries(absent) }, rows };
  },
};
