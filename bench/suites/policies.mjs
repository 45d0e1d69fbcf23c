import { compare, ratioRow } from './compare.mjs';

const OFF = { breaker: 'off', retry: 'off', health: 'off' };
const ON = { breaker: {}, retry: {}, health: { passive: {} } };
const RULES = {
  request: { headers: { set: { 'x-region': 'north' }, add: { 'x-tag': 'bench' }, remove: ['accept-language'] } },
  response: { headers: { set: { 'x-served-by': 'aegis' }, add: { 'x-tag': 'bench' }, remove: ['date'] } },
};

const variant = (name, upstreamSettings, routeSettings) => ({
  name,
  config: (upstream) => ({
    gateway: {
      upstreams: [{ name: 'shop', targets: [`http://127.0.0.1:${upstream}`], ...upstreamSettings }],
      routes: [{ name: 'shop', path: '/shop', upstream: 'shop', ...routeSettings }],
    },
  }),
});

export const policies = {
  about: 'CPU per proxied request with breaker, passive health, retries and header rules, and without them.',
  options: { rounds: 9, seconds: 2 },
  async run(settings) {
    const variants = [variant('off', OFF, {}), variant('resilience', ON, {}), variant('on', ON, RULES)];
    const measured = await compare(variants, settings);
    return {
      measured,
      rows: [
        ratioRow('breaker, passive health and retries ÷ none', measured, ['off', 'resilience'], 1.1),
        ratioRow('those and six header rules ÷ none', measured, ['off', 'on'], 1.1),
      ],
    };
  },
};
