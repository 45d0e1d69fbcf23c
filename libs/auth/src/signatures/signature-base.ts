import {
  isInnerList,
  type Item,
  parseDictionary,
  serializeByteSequence,
  serializeInnerList,
  serializeItem,
} from 'structured-headers';
import { clientIsSecure, type Exchange } from '#kernel';
import { type ReceivedSignature } from './received-signature.js';

/**
 * What was signed, rebuilt from the request as it came in (RFC 9421, 2.5). null: it covers something that the request has
 * not, that could be read in two ways, or that is not supported: `sf`, `tr`, `req` and what belongs to responses.
 */
export function signatureBase(exchange: Exchange, { components, parameters }: ReceivedSignature): Buffer | null {
  const seen = new Set<string>();
  let base = '';
  for (const component of components) {
    const identifier = serializeItem(component);
    const value = seen.has(identifier) ? null : valueOf(exchange, component);
    if (value === null) return null;
    seen.add(identifier);
    base += `${identifier}: ${value}\n`;
  }
  return Buffer.from(`${base}"@signature-params": ${parameters}`, 'latin1');
}

function valueOf(exchange: Exchange, [name, parameters]: Item): string | null {
  if (typeof name !== 'string' || name !== name.toLowerCase()) return null;
  if (!name.startsWith('@')) return fieldValue(exchange, name, parameters);
  if (name === '@query-param') {
    const wanted: unknown = parameters.get('name');
    return typeof wanted === 'string' && parameters.size === 1 ? queryParameter(exchange.query, wanted) : null;
  }
  return parameters.size > 0 ? null : derivedValue(exchange, name);
}

function derivedValue(exchange: Exchange, name: string): string | null {
  const { req, query } = exchange;
  switch (name) {
    case '@method':
      return req.method ?? '';
    case '@target-uri':
      return `${scheme(exchange)}://${authority(exchange)}${rawPath(exchange)}${query}`;
    case '@authority':
      return authority(exchange);
    case '@scheme':
      return scheme(exchange);
    case '@request-target':
      return req.url ?? '';
    case '@path':
      return rawPath(exchange);
    case '@query':
      return query === '' ? '?' : query;
    default:
      return null;
  }
}

function scheme(exchange: Exchange): 'https' | 'http' {
  return clientIsSecure(exchange) ? 'https' : 'http';
}

/** In lower case, without the port that goes without saying. */
function authority(exchange: Exchange): string {
  const usual = scheme(exchange) === 'https' ? ':443' : ':80';
  const host = exchange.host.toLowerCase();
  return host.endsWith(usual) ? host.slice(0, -usual.length) : host;
}

/** As it was sent, not as it was normalised: that is what the client has signed, and what the normalised one comes from. */
function rawPath({ req, query }: Exchange): string {
  const url = (req.url ?? '').replace(/^https?:\/\/[^/?#]*/i, '');
  const path = query === '' ? url : url.slice(0, -query.length);
  return path === '' ? '/' : path;
}

function queryParameter(query: string, wanted: string): string | null {
  const values: string[] = [];
  for (const [name, value] of new URLSearchParams(query)) if (percentEncoded(name) === wanted) values.push(value);
  const [value] = values;
  return value === undefined || values.length > 1 ? null : percentEncoded(value);
}

/** As forms are encoded, but a space is %20. */
function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function fieldValue({ req }: Exchange, name: string, parameters: Item[1]): string | null {
  const lines: string[] = [];
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    if (req.rawHeaders[i]?.toLowerCase() === name) lines.push((req.rawHeaders[i + 1] ?? '').trim());
  }
  if (lines.length === 0 || parameters.size > 1) return null;
  if (parameters.size === 0) return lines.join(', ');
  if (parameters.get('bs') === true) {
    return lines.map((line) => serializeByteSequence(Buffer.from(line, 'latin1'))).join(', ');
  }
  const key: unknown = parameters.get('key');
  return typeof key === 'string' ? memberOf(lines.join(', '), key) : null;
}

function memberOf(field: string, key: string): string | null {
  try {
    const member = parseDictionary(field).get(key);
    if (member === undefined) return null;
    return isInnerList(member) ? serializeInnerList(member) : serializeItem(member);
  } catch {
    return null;
  }
}
