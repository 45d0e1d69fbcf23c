import { createHash } from 'node:crypto';
import { clientIsSecure, type Exchange } from '#kernel';
import { type RouteCache } from './route-cache.js';

/**
 * What one answer can be good for: everything of a request that its upstream is told in any case and that no `Vary` names.
 * Host and `X-Forwarded-*` are part of it as the upstream sees them, because answers are written with them; from clients
 * that are not trusted proxies the latter go no further, so they are no part of it.
 */
export function cacheKey(exchange: Exchange, cache: RouteCache, path = exchange.path, query = exchange.query): string {
  const { req, trusted, host } = exchange;
  const shown = exchange.principal === null || cache.hidesParameter === null ? query : cache.hidesParameter(query);
  const scheme = clientIsSecure(exchange) ? 'https' : 'http';
  const key = `${cache.fingerprint}\n${scheme}://${host.toLowerCase()}${path}${shown}`;
  return trusted ? key + forwarded(req.rawHeaders) : key;
}

/** What a trusted proxy says of where the request was sent, and the upstream is told. Who sent it is left out. */
function forwarded(raw: readonly string[]): string {
  let said = '';
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    if (name === 'forwarded') said += `\n${(value.match(/(?:host|proto)=[^;,]*/gi) ?? []).join(';')}`;
    else if (name.startsWith('x-forwarded-') && name !== 'x-forwarded-for') said += `\n${name}: ${value}`;
  }
  return said;
}

/** Tells the requests apart that share a key: by the values of these fields, and by whether a body was asked for. */
export function variantOf(method: string, names: readonly string[], raw: readonly string[]): string {
  const kind = method === 'HEAD' ? 'h' : 'g';
  if (names.length === 0) return kind;
  const values = names.map((name) => `${name}:${valueOf(raw, name)}`);
  return kind + createHash('sha256').update(values.join('\n')).digest('base64url');
}

/** Every line counts, and in its order: the upstream sees them all. White space around commas says nothing. */
function valueOf(raw: readonly string[], name: string): string {
  let value = '';
  for (let i = 0; i < raw.length; i += 2) {
    const each = raw[i] as string;
    if (each.length !== name.length || each.toLowerCase() !== name) continue;
    value += `,${raw[i + 1] as string}`;
  }
  if (name.startsWith('accept')) value = value.toLowerCase().replace(/[ \t]/g, '');
  // The order of codings says nothing without weights, and browsers differ in it.
  return name === 'accept-encoding' ? value.split(',').sort().join(',') : value;
}
