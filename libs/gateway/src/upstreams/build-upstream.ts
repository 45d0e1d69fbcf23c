import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ConnectionOptions } from 'node:tls';
import { BUILTIN_DEMO, type ClientTls, type UpstreamConfig } from '#config';
import { Http1Pool } from '../forward/http1/pool.js';
import { Http2Pool } from '../forward/http2/pool.js';
import { ActiveHealth } from './active-health.js';
import { Addresses, type NamedTarget } from './addresses.js';
import { createBalancer } from './balance/create-balancer.js';
import { Breaker } from './breaker.js';
import { AdaptiveLimit } from './concurrency/adaptive-limit.js';
import { type ConcurrencyLimit, FixedLimit } from './concurrency/concurrency-limit.js';
import { compileHashKey } from './hash-key.js';
import { HealthChecks } from './health-checks.js';
import { PassiveHealth } from './passive-health.js';
import { Target } from './target.js';
import { Upstream } from './upstream.js';

/** Hears what becomes of targets. */
export type TargetNews = (target: string, news: string) => void;

export interface Surroundings {
  /** Where `builtin:demo` is. */
  readonly demoUrl: string;
  readonly news: TargetNews;
}

/** Two configurations with the same fingerprint make the same upstream. */
export function upstreamFingerprint(config: UpstreamConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('base64url');
}

export function buildUpstream(config: UpstreamConfig, fingerprint: string, surroundings: Surroundings): Upstream {
  const { name, health } = config;
  const passive = health.passive === null ? null : new PassiveHealth(health.passive);
  const upstream = new Upstream({
    name,
    fingerprint,
    passive,
    limit: limitOf(config.concurrency),
    allDown: health.allDown,
    balance: (targets) => createBalancer(config.balance, targets),
    hashKey: config.hashOn === null ? null : compileHashKey(config.hashOn),
  });
  const named = config.targets.map((target) => namedTarget(config, target, passive, surroundings));
  const checks = health.active === null ? null : new HealthChecks(upstream, health.active);
  const addresses = new Addresses(upstream, named, () => checks?.follow());
  upstream.onClose(() => {
    addresses.close();
    checks?.close();
  });
  return upstream;
}

function limitOf(concurrency: UpstreamConfig['concurrency']): ConcurrencyLimit {
  return concurrency === 'adaptive' ? new AdaptiveLimit() : new FixedLimit(concurrency ?? Infinity);
}

function namedTarget(
  config: UpstreamConfig,
  { url: written, weight, resolve }: UpstreamConfig['targets'][number],
  passive: PassiveHealth | null,
  { demoUrl, news }: Surroundings,
): NamedTarget {
  const url = new URL(written === BUILTIN_DEMO ? demoUrl : written);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const { connect, response, idle } = config.timeouts;
  const timeouts = { connect: connect ?? Infinity, response: response ?? Infinity, idle: idle ?? Infinity };
  const { breaker, slowStart } = config;
  const { active } = config.health;
  return {
    host,
    resolve,
    news: (text) => news(`${config.name}/${url.host}`, text),
    make: (address) => {
      const id = `${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
      const name = `${config.name}/${id}`;
      const tell = (text: string): void => news(name, text);
      const origin = { host: address, port, tls: secure ? tlsOptions(config.tls, host) : null };
      const pool = config.http2 ? new Http2Pool(origin, timeouts) : new Http1Pool(origin, timeouts);
      return new Target(name, url.host, pool, {
        id,
        weight,
        slowStart,
        since: performance.now(),
        breaker: breaker === null ? null : new Breaker(breaker, (state) => tell(`circuit ${state}`)),
        passive: passive?.join((out) => tell(out ? 'ejected after failures' : 'back after ejection')) ?? null,
        active: active === null ? null : new ActiveHealth(active, (well) => tell(well ? 'healthy' : 'unhealthy')),
      });
    },
  };
}

function tlsOptions(tls: ClientTls, host: string): ConnectionOptions {
  const servername = tls.serverName ?? (isIP(host) === 0 ? host : undefined);
  return {
    rejectUnauthorized: tls.verify,
    ALPNProtocols: ['http/1.1'],
    ...(servername !== undefined && { servername }),
    ...(tls.ca != null && { ca: readFileSync(tls.ca) }),
    ...(tls.cert != null && { cert: readFileSync(tls.cert) }),
    ...(tls.key != null && { key: readFileSync(tls.key) }),
  };
}
