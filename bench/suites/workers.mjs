import { spawn } from 'node:child_process';
import { findRedisServer } from '../../scripts/redis-server.mjs';
import { freePort, stop } from '../processes.mjs';
import { compare, ratioRow } from './compare.mjs';

const variant = (workers, redis) => ({
  name: String(workers),
  config: (upstream) => ({
    gateway: {
      workers,
      upstreams: [{ name: 'shop', targets: [`http://127.0.0.1:${upstream}`] }],
      routes: [{ name: 'shop', path: '/shop', upstream: 'shop' }],
    },
    redis: { url: redis },
  }),
});

export const workers = {
  about: 'CPU per proxied request of two workers and of one, all processes of Aegis counted, on one core.',
  options: { rounds: 9, seconds: 2 },
  async run(settings) {
    const port = await freePort();
    const settingsOfRedis = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const redis = spawn(findRedisServer(), settingsOfRedis, { stdio: 'ignore' });
    try {
      const url = `redis://127.0.0.1:${port}`;
      const measured = await compare([variant(1, url), variant(2, url)], settings);
      return { measured, rows: [ratioRow('two workers ÷ one', measured, ['1', '2'], 1.05)] };
    } finally {
      await stop(redis);
    }
  },
};
