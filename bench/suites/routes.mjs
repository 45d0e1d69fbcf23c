import { compare, ratioRow } from './compare.mjs';

/** Prefixes, and every tenth a pattern, with the requests spread over all of them. */
const variant = (size) => ({
  name: String(size),
  targets: Array.from({ length: 50 }, (_, i) => {
    const number = Math.floor((i * size) / 50);
    return `/shop/service${number}/items/42`;
  }),
  config: (upstream) => ({
    gateway: {
      upstreams: [{ name: 'shop', targets: [`http://127.0.0.1:${upstream}`] }],
      routes: Array.from({ length: size }, (_, i) => ({
        name: `r${i}`,
        path: i % 10 === 0 ? `/shop/service${i}/items/:id` : `/shop/service${i}`,
        upstream: 'shop',
      })),
    },
  }),
});

export const routes = {
  about: 'CPU per proxied request with 1,000 routes and with 10, the requests spread over the routes.',
  options: { rounds: 9, seconds: 2 },
  async run(settings) {
    const measured = await compare([variant(10), variant(1000)], settings);
    return { measured, rows: [ratioRow('1,000 routes ÷ 10 routes', measured, ['10', '1000'], 1.1)] };
  },
};
