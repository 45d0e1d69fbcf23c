import { Agent, get } from 'node:http';
import { spawnGateway, StoppablePostgres } from '#testing';

/** Gateways that share a Redis and a database, as replicas do. They answer by themselves, so that limits are all they do. */
export async function startGateways(count, { redis, rateLimiting }) {
  const database = await StoppablePostgres.start();
  const config = {
    gateway: { routes: [{ name: 'all', path: '/', respond: { status: 200, body: 'ok' } }] },
    monitoring: { logs: { access: false } },
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
    haveMet: () => new Promise((resolve) => setTimeout(resolve, 6000)),
    async stop() {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await database.stop();
    },
  };
}

/**
 * Asks all gateways for `path` over `connections` connections each for so many seconds, with `pause` milliseconds between
 * the requests of a connection. `seen(status, headers, gateway, tookMs)` hears of every answer.
 */
export async function load(urls, { path, connections, seconds, pause = 0, seen, failed = () => undefined }) {
  const until = performance.now() + seconds * 1000;
  const agents = urls.map(() => new Agent({ keepAlive: true, maxSockets: connections }));
  const loop = async (gateway) => {
    while (performance.now() < until) {
      const start = performance.now();
      try {
        const { statusCode, headers } = await answerOf(urls[gateway] + path, agents[gateway]);
        seen(statusCode, headers, gateway, performance.now() - start);
      } catch (error) {
        failed(error, gateway);
      }
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  };
  await Promise.all(urls.flatMap((_, gateway) => Array.from({ length: connections }, () => loop(gateway))));
  for (const agent of agents) agent.destroy();
}

function answerOf(url, agent) {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => answer.resume().on('end', () => resolve(answer)).on('error', reject)).on('error', reject);
  });
}

export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Prints a line for what must hold; the process fails when it does not. */
export function must(holds, text) {
  console.log(`${holds ? 'holds' : 'FAILS'}  ${text}`);
  if (!holds) process.exitCode = 1;
}
