import { integer, list, object, optional, secret, secretUrl, text, withDefault } from '../schema/index.js';
import { clientTls } from './tls.js';
import { filePath, name } from './values.js';

const postgresUrl = secretUrl('postgres:', 'postgresql:');

export const database = object({
  url: optional(postgresUrl, 'PostgreSQL. Absent: an embedded one under `dataDir`. Also `DATABASE_URL`.', {
    example: 'postgres://aegis:${DB_PASSWORD}@db:5432/aegis',
  }),
  replicaUrl: optional(postgresUrl, 'A read replica, for analytics.', {
    example: 'postgres://aegis:${DB_PASSWORD}@replica:5432/aegis',
  }),
  pool: withDefault(integer({ min: 1, max: 1000 }), 10, 'Connections.'),
  dataDir: withDefault(
    filePath,
    './data/postgres',
    'Directory of the embedded PostgreSQL. Below `./data` it moves with `--data-dir`.',
  ),
  tls: withDefault(clientTls, {}, 'Any key in it switches TLS on; so does `?sslmode=require` in the URL.'),
});

const NODE = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/;

const node = text({
  words: 'host:port',
  check: (value) => {
    const port = Number(NODE.exec(value)?.[2]);
    return port >= 1 && port <= 65_535 ? undefined : 'it is not host:port';
  },
}).to(
  (value) => {
    const [, host = '', port = '0'] = NODE.exec(value) ?? [];
    return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  },
  ({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`,
);

export const redis = object({
  url: optional(
    secretUrl('redis:', 'rediss:'),
    'Redis. Also `REDIS_URL`. With nothing set, what would be kept there is kept in process.',
    {
      example: 'redis://redis:6379',
    },
  ),
  sentinels: withDefault(list(node), [], 'Sentinels, as `host:port`; need `master`.', {
    example: ['sentinel-1:26379'],
  }),
  master: optional(name, 'Name of the master that the sentinels watch.', { example: 'aegis' }),
  cluster: withDefault(list(node), [], 'Some nodes of a Redis Cluster, as `host:port`.', { example: ['redis-1:6379'] }),
  username: optional(text({ words: 'user name' }), 'For sentinels and clusters; with `url` it stands there.'),
  password: optional(secret(), 'For sentinels and clusters; with `url` it stands there.', {
    example: '${REDIS_PASSWORD}',
  }),
  tls: withDefault(clientTls, {}, 'Any key in it switches TLS on; so does `rediss://`.'),
  keyPrefix: withDefault(text({ empty: true }), '', 'Put before every key.', { example: 'aegis:' }),
});
