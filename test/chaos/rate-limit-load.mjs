import { Agent, get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { spawnGateway, StoppablePostgres } from '#testing';
import { quantile } from './report.mjs';

/** Gateways that share a Redis and a database, as replicas do. They answer by themselves, so that limits are all they do. */
export async function startGateways(count, { redis, rateLimiting }) {
  const database = await StoppablePostgres.start();
  const config = {
    gateway: { routes: [{ name: 'all', path: '/', respond: { status: 200, body: 'ok' } }] },
    monitoring: { logs: { access: false, level: 'warn' } },
    rateLimiting,
    redis,
  };
  const gateways = [];
  for (let index = 0; index < count; index++) {
    gateways.push(await spawnGateway({ config, env: { DATABASE_URL: database.url } }));
  }
  return {
    gateways,
    urls: gateways.map(({ url }) => url),
    /** Until every gateway has counted the others: their heartbeats are five seconds apart. */
    haveMet: () => pause(6000),
    async stop() {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await database.stop();
    },
  };
}

/**
 * Asks all gateways for `path` over `connections` connections each for so many seconds, with `every` milliseconds between
 * the requests of a connection. `seen(status, headers, gateway, tookMs)` hears of every answer.
 */
export async function load(urls, { path, connections, seconds, every = 0, signal, seen, failed = () => undefined }) {
  const until = performance.now() + seconds * 1000;
  const agents = urls.map(() => new Agent({ keepAlive: true, maxSockets: connections }));
  const loop = async (gateway) => {
    while (performance.now() < until && signal?.aborted !== true) {
      const start = performance.now();
      try {
        const { statusCode, headers } = await answerOf(urls[gateway] + path, agents[gateway]);
        seen(statusCode, headers, gateway, performance.now() - start);
      } catch (error) {
        failed(error, gateway);
      }
      if (every > 0) await pause(every);
    }
  };
  await Promise.all(urls.flatMap((_, gateway) => Array.from({ length: connections }, () => loop(gateway))));
  for (const agent of agents) agent.destroy();
}

function answerOf(url, agent) {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (answer) =>
      answer
        .resume()
        .on('end', () => resolve(answer))
        .on('error', reject),
    ).on('error', reject);
  });
}

const BACK = 'limits are counted in Redis again';

/** When a gateway said that it counts in Redis again; Infinity when it does not within 20 seconds. */
export async function countsInRedisAgain(gateway) {
  const until = Date.now() + 20_000;
  while (Date.now() < until) {
    if ([...gateway.stdout, ...gateway.stderr].some((line) => line.includes(BACK))) return Date.now();
    await pause(10);
  }
  return Infinity;
}

/** The most that were admitted between two ticks; an answer counts where it arrived, so a few count next door. */
export function busiestSecond(answers) {
  const seconds = new Map();
  for (const { at, status } of answers) {
    const second = Math.floor(at / 1000);
    if (status === 200) seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  return Math.max(0, ...seconds.values());
}

/** A line about a part of the answers. */
export function shown(name, answers) {
  const took = answers.map(({ tookMs }) => tookMs);
  const counts = [200, 429, 503].map(
    (status) => `${answers.filter((answer) => answer.status === status).length} × ${status}`,
  );
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => quantile(took, share).toFixed(1));
  return `       ${name.padEnd(13)} ${counts.join(', ')}; p50 ${p50} ms, p99 ${p99} ms, longest ${most} ms`;
}
