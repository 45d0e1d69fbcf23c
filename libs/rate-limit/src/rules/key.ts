import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { type RateLimitKey } from '#config';
import { type Exchange, type Principal } from '#kernel';
import { networkOf } from './network.js';

export type KeyPart = RateLimitKey;

/** Values as they are go into keys that people read, in logs and in Redis, when they are short and harmless. */
const READABLE = /^[A-Za-z0-9._:@/+|~-]{1,64}$/;
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-api-key']);

/**
 * What a rule counts by for this request: `consumer=acme`, `ip=192.0.2.7,header:x-tenant=blue`. A part that the request
 * does not have counts by address instead: leaving a credential or a header out must not lift a limit, and those who
 * leave it out must not share one.
 */
export function keyOf(parts: readonly KeyPart[], exchange: Exchange): string {
  const [first] = parts;
  if (first === undefined) return address(exchange);
  let key = partOf(first, exchange);
  for (let index = 1; index < parts.length; index++) {
    const part = parts[index];
    if (part === undefined) continue;
    const text = partOf(part, exchange);
    if (text !== key) key += `,${text}`;
  }
  return key;
}

function partOf(part: KeyPart, exchange: Exchange): string {
  const { principal } = exchange;
  switch (part.kind) {
    case 'ip':
      return address(exchange);
    case 'auto':
    case 'consumer':
      return principal ? `consumer=${readable(principal.consumer)}` : address(exchange);
    case 'api-key':
      return principal ? `api-key=${readable(principal.credential)}` : address(exchange);
    case 'user':
      return userOf(principal) ?? address(exchange);
    case 'route':
      return `route=${exchange.route?.name ?? ''}`;
    case 'header':
      return headerPart(part.name, exchange.req.headers) ?? address(exchange);
    case 'cookie': {
      const value = cookieValue(exchange.req.headers.cookie, part.name);
      return value === undefined ? address(exchange) : `cookie:${part.name}=${hashed(value)}`;
    }
    case 'claim': {
      const value = principal && Object.hasOwn(principal.claims, part.name) ? principal.claims[part.name] : undefined;
      return value == null ? address(exchange) : `claim:${part.name}=${readable(textOf(value))}`;
    }
  }
}

function address(exchange: Exchange): string {
  return `ip=${networkOf(exchange.clientIp)}`;
}

function userOf(principal: Principal | null): string | undefined {
  if (!principal) return undefined;
  return principal.user === null ? `consumer=${readable(principal.consumer)}` : `user=${readable(principal.user)}`;
}

function headerPart(name: string, headers: IncomingHttpHeaders): string | undefined {
  if (!Object.hasOwn(headers, name)) return undefined;
  const field = headers[name];
  const value = typeof field === 'string' ? field : (field?.join(', ') ?? '');
  return `header:${name}=${SECRET_HEADERS.has(name) ? hashed(value) : readable(value)}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A key never grows with what a client sends. */
function readable(value: string): string {
  return READABLE.test(value) ? value : hashed(value);
}

function hashed(value: string): string {
  return `sha256-${createHash('sha256').update(value).digest('base64url').slice(0, 22)}`;
}

/** The first cookie of that name, as it was sent. */
export function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
