import { relative } from 'node:path';
import { type Config, type LoadedConfig } from '#config';
import { formatDuration } from '#kernel';
import { count } from './terminal.js';

/** What is in a valid configuration, as rows of a name and what there is. */
export function summary({ config, hash }: LoadedConfig): string[][] {
  const { gateway, auth, redis } = config;
  const tls = gateway.tls === null ? 'plain HTTP' : 'HTTPS';
  const targets = gateway.upstreams.reduce((sum, { targets }) => sum + targets.length, 0);
  const cluster = redis.sentinels.length + redis.cluster.length;
  return [
    ['listens on', `${gateway.host}:${gateway.port}, ${tls}`],
    ['routes', routes(config)],
    ['upstreams', `${gateway.upstreams.length} with ${count(targets, 'target')}`],
    ['limits', limits(config)],
    ['consumers', `${auth.consumers.length} declared`],
    ['database', config.database.url?.toString() ?? `embedded, in ${shown(config.database.dataDir)}`],
    ['redis', redis.url?.toString() ?? (cluster > 0 ? count(cluster, 'node') : 'none: counts are kept in the process')],
    ['hash', hash.slice(0, 12)],
  ];
}

function routes({ gateway }: Config): string {
  const closed = gateway.routes.filter(({ auth }) => auth.mode === 'required').length;
  const open = closed === 0 ? 'none needs a credential' : `${closed} with authentication`;
  return `${gateway.routes.length}, ${open}`;
}

function limits({ rateLimiting, gateway }: Config): string {
  const own = gateway.routes.reduce((sum, { rateLimit }) => sum + (rateLimit?.length ?? 0), 0);
  const rules = count(rateLimiting.rules.length + own, 'rule');
  const byDefault = rateLimiting.default;
  if (byDefault === null) return rateLimiting.rules.length + own === 0 ? 'none' : rules;
  return `${rules}; by default ${byDefault.limit} per ${byDefault.period ?? formatDuration(byDefault.window)}`;
}

/** Below the working directory as it would be typed, elsewhere whole. */
export function shown(path: string): string {
  const below = relative('', path);
  return below === '' || below.startsWith('..') ? path : below;
}
