import { type Declared } from '../model/root.js';
import { authOf, checkRequirement } from './auth.js';
import { type Checks } from './checks.js';
import { type Config } from './config.js';
import { RateLimits } from './rate-limits.js';
import { checkCors, routesOf, settleCors } from './routes.js';
import { serverTlsOf, storeTlsOf } from './tls.js';
import { Upstreams } from './upstreams.js';

/** Merges what sections take from each other and complains about what does not fit together. */
export function compile(declared: Declared, checks: Checks): Config {
  const { gateway, rateLimiting, monitoring, database, redis } = declared;
  checkProcesses(declared, checks);
  checkNumbers(declared, checks);
  if (gateway.cors !== null) checkCors(gateway.cors, ['gateway', 'cors'], checks);
  const upstreams = new Upstreams(gateway, checks);
  const limits = new RateLimits(rateLimiting, gateway.routes, checks);
  const auth = authOf(declared, checks);
  checkRequirement(declared.auth.default, auth, ['auth', 'default'], checks);
  const rateLimitingConfig = limits.config();
  const routes = routesOf({ declared, auth, upstreams, limits, checks });
  limits.checkConsumers(declared.auth.consumers);
  checkAlerts(declared, new Set(routes.map(({ name }) => name)), checks);
  const data = (path: string): string => checks.files.data(path);
  return {
    ...declared,
    gateway: {
      ...gateway,
      tls: serverTlsOf(gateway.tls, ['gateway', 'tls'], checks),
      cors: gateway.cors && settleCors(gateway.cors),
      upstreams: upstreams.all,
      routes,
    },
    rateLimiting: rateLimitingConfig,
    auth,
    monitoring: {
      ...monitoring,
      spool: monitoring.spool && { ...monitoring.spool, dir: data(monitoring.spool.dir) },
      logs: { ...monitoring.logs, file: monitoring.logs.file === null ? null : data(monitoring.logs.file) },
    },
    database: {
      ...database,
      dataDir: data(database.dataDir),
      tls: storeTlsOf(database.tls, ['database', 'tls'], checks),
    },
    redis: { ...redis, tls: storeTlsOf(redis.tls, ['redis', 'tls'], checks) },
    declared,
  };
}

function checkProcesses({ gateway, rateLimiting, admin, redis }: Declared, checks: Checks): void {
  const ways = [
    redis.url !== null && 'url',
    redis.sentinels.length > 0 && 'sentinels',
    redis.cluster.length > 0 && 'cluster',
  ];
  const given = ways.filter((way) => way !== false);
  if (given.length > 1)
    checks.wrong(
      ['redis', given[1] ?? ''],
      `only one of url, sentinels and cluster is possible; there are ${given.join(' and ')}`,
    );
  if (redis.sentinels.length > 0 && redis.master === null)
    checks.wrong(['redis', 'sentinels'], 'sentinels need master, the name that they watch');
  if (redis.sentinels.length === 0 && redis.master !== null)
    checks.warn(['redis', 'master'], 'it has no effect without sentinels');
  if (gateway.workers > 1 && given.length === 0) {
    checks.wrong(
      ['gateway', 'workers'],
      `${gateway.workers} workers need redis.url, because limits and caches are shared there`,
      { hint: 'set redis.url or REDIS_URL, or write workers: 1' },
    );
  }
  if (rateLimiting.store === 'redis' && given.length === 0) {
    checks.wrong(['rateLimiting', 'store'], 'it says redis, but no Redis is configured', {
      hint: 'set redis.url or REDIS_URL',
    });
  }
  if (admin.port !== null && admin.port !== 0 && admin.port === gateway.port) {
    checks.wrong(['admin', 'port'], `${admin.port} is the gateway's port`, {
      hint: 'take another, or leave it out to share that port',
    });
  }
}

function checkNumbers({ ml, monitoring }: Declared, checks: Checks): void {
  const { thresholds, limits } = ml;
  if (thresholds.throttle > thresholds.block) {
    checks.wrong(
      ['ml', 'thresholds', 'throttle'],
      `${thresholds.throttle} is above block, ${thresholds.block}: a caller is throttled before it is blocked`,
    );
  }
  if (limits.floor > limits.ceiling)
    checks.wrong(['ml', 'limits', 'floor'], `${limits.floor} is above ceiling, ${limits.ceiling}`);
  for (const [index, each] of monitoring.notify.entries()) {
    if (each.type === 'email' && each.to.length === 0)
      checks.warn(['monitoring', 'notify', index, 'to'], 'nobody gets these e-mails');
  }
}

function checkAlerts({ monitoring }: Declared, routes: ReadonlySet<string>, checks: Checks): void {
  checks.unique(
    ['monitoring', 'alerts'],
    'alert',
    monitoring.alerts.map(({ name }) => name),
  );
  for (const [index, { route }] of monitoring.alerts.entries()) {
    if (route === null || route === '' || routes.has(route)) continue;
    checks.missing(['monitoring', 'alerts', index, 'route'], `no route is called ${JSON.stringify(route)}`);
  }
}
