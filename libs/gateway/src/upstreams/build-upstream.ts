import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ConnectionOptions } from 'node:tls';
import { BUILTIN_DEMO, type ClientTls, type UpstreamConfig } from '#config';
import { Http1Pool } from '../forward/http1/pool.js';
import { type Target } from './target.js';
import { Upstream } from './upstream.js';

/** Two configurations with the same fingerprint make the same upstream. */
export function upstreamFingerprint(config: UpstreamConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('base64url');
}

export function buildUpstream(config: UpstreamConfig, fingerprint: string, demoUrl: string): Upstream {
  const { connect, response, idle } = config.timeouts;
  const timeouts = { connect: connect ?? Infinity, response: response ?? Infinity, idle: idle ?? Infinity };
  const targets = config.targets.map(({ url: written, weight }): Target => {
    const url = new URL(written === BUILTIN_DEMO ? demoUrl : written);
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const secure = url.protocol === 'https:';
    const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
    const pool = new Http1Pool({ host, port, tls: secure ? tlsOptions(config.tls, host) : null }, timeouts);
    return { name: `${config.name}/${url.host}`, url, weight, pool };
  });
  return new Upstream(config.name, fingerprint, targets);
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
