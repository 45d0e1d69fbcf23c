import { STATUS_CODES } from 'node:http';
import { type OutgoingHttpHeaders } from 'node:http2';
import { type ResponseHead, UNTIL_CLOSE } from '../http1/response-head.js';
import { isOurCookie } from '../our-cookies.js';

/** Fields of one connection, which HTTP/2 has no place for (RFC 9113, 8.2.2), and Host, which has become a pseudo-header field. */
const NOT_SENT = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

export interface RequestFields {
  readonly fields: OutgoingHttpHeaders;
  /** The length of the body is not known: trailers may follow it. */
  readonly chunked: boolean;
}

/** The head of an HTTP/1.1 request, as Aegis writes it, as the fields of HTTP/2. */
export function requestFields(head: string, secure: boolean): RequestFields {
  const [start = '', ...lines] = head.split('\r\n');
  const [method = '', path = ''] = start.split(' ');
  // TE speaks of this hop: whatever the client said, Aegis hands trailers on. Servers of gRPC insist on it.
  const fields: Record<string, string> = { te: 'trailers' };
  let authority = '';
  let chunked = false;
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'host') authority = value;
    else if (name === 'transfer-encoding') chunked = true;
    if (NOT_SENT.has(name)) continue;
    const known = fields[name];
    fields[name] = known === undefined ? value : `${known}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  const pseudo = { ':method': method, ':scheme': secure ? 'https' : 'http', ':path': path };
  return { fields: { ...pseudo, ...(authority !== '' && { ':authority': authority }), ...fields }, chunked };
}

/** `raw`: as they came, pseudo-header fields too; names are in lower case, and what is malformed has been refused. */
export function responseHead(status: number, raw: readonly string[], isAll: boolean, method: string): ResponseHead {
  const bodiless = isAll || method === 'HEAD' || status === 204 || status === 304 || status < 200;
  const announcesTrailers = !bodiless && raw.includes('trailer');
  const headers: string[] = [];
  let length = bodiless ? 0 : UNTIL_CLOSE;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    if (name.startsWith(':') || name === 'x-request-id') continue;
    if (name === 'trailer' && !announcesTrailers) continue;
    if (name === 'set-cookie' && isOurCookie(value)) continue;
    if (name === 'content-length') {
      // HTTP/1.1 has no room for trailers after a body of known length; and 204 has no length (RFC 9110, 8.6).
      if (announcesTrailers || status === 204) continue;
      if (!bodiless) length = Number(value);
    }
    headers.push(name, value);
  }
  const reason = STATUS_CODES[status] ?? '';
  return { status, reason, headers, length, keepAlive: true, keepAliveTimeout: -1, upgrade: '' };
}
