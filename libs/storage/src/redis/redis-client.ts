import { Cluster, type CommonRedisOptions, Redis, type RedisOptions as ClientOptions } from 'ioredis';
import { StorageError } from '../storage-error.js';
import { type StoreTls, tlsOptions } from '../tls.js';
import { reconnectDelay } from './backoff.js';

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** One of `url`, `sentinels` with `master`, `cluster`; or none, and there is no Redis. */
export interface RedisOptions {
  readonly url: string | null;
  readonly sentinels: readonly RedisNode[];
  readonly master: string | null;
  readonly cluster: readonly RedisNode[];
  /** For sentinels and clusters; a URL has its own. */
  readonly username?: string | null;
  readonly password?: string | null;
  readonly tls: StoreTls | null;
  readonly keyPrefix: string;
  /** Milliseconds after which a command that has no answer has failed. */
  readonly commandTimeout?: number;
}

const CONNECT_TIMEOUT_MS = 2_000;
const COMMAND_TIMEOUT_MS = 500;
/** A connection whose other side has gone silent, not closed, is given up after so long without any answer. */
const SILENCE_MS = 3_000;
const KEEP_ALIVE_AFTER_MS = 10_000;
const REDIRECTIONS = 3;

export function createClient(options: RedisOptions): Redis | Cluster | null {
  const { url, sentinels, master, cluster, keyPrefix } = options;
  if (url !== null) return new Redis({ ...common(options), ...standalone, ...fromUrl(url, options.tls), keyPrefix });
  if (sentinels.length > 0) {
    if (master === null)
      throw new StorageError('redis.sentinels needs redis.master: the name of the master that they watch');
    return new Redis({
      ...common(options),
      ...standalone,
      ...login(options),
      ...throughSentinels(options, master),
      keyPrefix,
    });
  }
  if (cluster.length > 0) {
    return new Cluster([...cluster], {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: (attempt) => reconnectDelay(attempt),
      maxRedirections: REDIRECTIONS,
      slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
      keyPrefix,
      redisOptions: { ...common(options), ...login(options), ...tlsFor(options.tls) },
    });
  }
  return null;
}

/** A command either goes out at once or fails at once: whoever limits a request cannot wait for Redis to come back. */
function common({ commandTimeout = COMMAND_TIMEOUT_MS }: RedisOptions): CommonRedisOptions {
  return {
    connectionName: 'aegis',
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout,
    socketTimeout: SILENCE_MS,
    keepAlive: KEEP_ALIVE_AFTER_MS,
    // Sent again, a script that had already run would count twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  };
}

const standalone: ClientOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  retryStrategy: (attempt) => reconnectDelay(attempt),
  // After a failover the old master is a replica: only a new connection leads to the new one.
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
};

function throughSentinels(options: RedisOptions, master: string): ClientOptions {
  return {
    sentinels: [...options.sentinels],
    name: master,
    sentinelRetryStrategy: (attempt) => reconnectDelay(attempt),
    failoverDetector: true,
    ...tlsFor(options.tls),
    ...(options.tls && { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(options.tls) }),
  };
}

function login({ username, password }: RedisOptions): ClientOptions {
  return { ...(username != null && { username }), ...(password != null && { password }) };
}

function tlsFor(tls: StoreTls | null): Pick<ClientOptions, 'tls'> {
  return tls ? { tls: tlsOptions(tls) } : {};
}

function fromUrl(text: string, tls: StoreTls | null): ClientOptions {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Said below, without repeating what may hold a password.
  }
  const database = Number(url?.pathname.slice(1) ?? '');
  if (!url || !/^rediss?:$/.test(url.protocol) || !url.hostname || !Number.isSafeInteger(database)) {
    throw new StorageError(
      'redis.url (REDIS_URL) is not a Redis URL: write redis://user:password@host:6379/0, or rediss:// for TLS',
    );
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 6379),
    db: database,
    ...(url.username && { username: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    ...tlsFor(tls ?? (url.protocol === 'rediss:' ? {} : null)),
  };
}
