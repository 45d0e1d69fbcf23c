import { isOurCookie } from '../our-cookies.js';

/**
 * Reads the head of an HTTP/1 response, strictly (RFC 9112): what is malformed or ambiguous about its framing is an error,
 * never a guess, because a guess is what response splitting lives on. Works on one latin1 string: one conversion for the
 * head and slices of it are far cheaper than a conversion per field.
 */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Name, value, name, value: end-to-end fields only, as the upstream wrote them. */
  readonly headers: string[];
  /** Bytes of body to come; -1: chunked; -2: until the connection closes. */
  readonly length: number;
  readonly keepAlive: boolean;
  /** Seconds from `Keep-Alive: timeout=`, or -1. */
  readonly keepAliveTimeout: number;
  /** The protocol of a 101, else empty. */
  readonly upgrade: string;
}

export const CHUNKED = -1;
export const UNTIL_CLOSE = -2;

const TOKEN = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  TOKEN[char.charCodeAt(0)] = 1;

const CR = 13;
const LF = 10;
const COLON = 58;

/** `text` is everything before the empty line, with the CRLF of its last line. Returns what is wrong as a string. */
export function parseResponseHead(text: string, method: string): ResponseHead | string {
  const end = text.length;
  const status = parseStatus(text);
  if (status === 0) return 'the status line is malformed';
  let at = text.indexOf('\r\n', 12);
  if (at < 0) return 'the status line is malformed';
  const reason = at > 13 ? text.slice(13, at) : '';
  if (hasControls(reason)) return 'the status line has control characters';
  at += 2;

  let keepAlive = text.charCodeAt(7) === 49;
  let keepAliveTimeout = -1;
  let contentLength = -1;
  let chunked = false;
  let transferEncoding = false;
  let upgrade = '';
  let named: string | undefined;
  let announcesTrailers = false;
  let headers: string[] = [];

  while (at < end) {
    const nameStart = at;
    let code = text.charCodeAt(at);
    while (TOKEN[code] === 1) code = text.charCodeAt(++at);
    if (code !== COLON || at === nameStart) return 'a header field name is malformed';
    const name = text.slice(nameStart, at);
    do code = text.charCodeAt(++at);
    while (code === 32 || code === 9);
    const valueStart = at;
    while (code >= 32 ? code !== 127 : code === 9) code = text.charCodeAt(++at);
    if (code !== CR || text.charCodeAt(at + 1) !== LF) return `the value of ${name} has control characters`;
    let valueEnd = at;
    at += 2;
    while (valueEnd > valueStart && (text.charCodeAt(valueEnd - 1) === 32 || text.charCodeAt(valueEnd - 1) === 9))
      valueEnd--;
    const value = text.slice(valueStart, valueEnd);

    switch (name.length) {
      case 7:
        switch (name.toLowerCase()) {
          case 'upgrade':
            upgrade = value;
            continue;
          case 'trailer':
            announcesTrailers = true;
        }
        break;
      case 10:
        switch (name.toLowerCase()) {
          case 'connection':
            named = named === undefined ? value.toLowerCase() : `${named},${value.toLowerCase()}`;
            continue;
          case 'keep-alive':
            keepAliveTimeout = Number(/timeout=(\d{1,6})/i.exec(value)?.[1] ?? -1);
            continue;
          case 'set-cookie':
            if (isOurCookie(value)) continue;
        }
        break;
      case 12:
        // The client is told the id by which we know the exchange, and no second one.
        if (name.toLowerCase() === 'x-request-id') continue;
        break;
      case 14:
        if (name.toLowerCase() === 'content-length') {
          if (!/^\d{1,15}$/.test(value)) return 'Content-Length is not a number';
          const length = Number(value);
          if (contentLength >= 0) {
            if (contentLength !== length) return 'two Content-Length fields disagree';
            continue;
          }
          contentLength = length;
        }
        break;
      case 16:
        if (name.toLowerCase() === 'proxy-connection') continue;
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') {
          if (transferEncoding) return 'two Transfer-Encoding fields';
          transferEncoding = true;
          chunked = value.toLowerCase() === 'chunked';
          if (!chunked) return 'Transfer-Encoding is not chunked';
          continue;
        }
        break;
    }
    headers.push(name, value);
  }

  if (transferEncoding && contentLength >= 0) return 'both Content-Length and Transfer-Encoding';
  if (named !== undefined && named !== 'keep-alive') {
    const tokens = named.split(',').map((token) => token.trim());
    if (tokens.includes('close')) keepAlive = false;
    else if (tokens.includes('keep-alive')) keepAlive = true;
    headers = withoutFields(headers, tokens);
  } else if (named === 'keep-alive') keepAlive = true;

  let length: number;
  if (method === 'HEAD' || status === 204 || status === 304 || status < 200) length = 0;
  else if (chunked) length = CHUNKED;
  else if (contentLength >= 0) length = contentLength;
  else length = UNTIL_CLOSE;
  // Without chunks there is no place for trailers, and Node refuses to announce them.
  if (announcesTrailers && length !== CHUNKED) headers = withoutField(headers, 'trailer');
  // A client that believed the length would take it from the next response (RFC 9110, 8.6).
  if (status === 204 && contentLength >= 0) headers = withoutField(headers, 'content-length');
  return { status, reason, headers, length, keepAlive, keepAliveTimeout, upgrade: status === 101 ? upgrade : '' };
}

function parseStatus(text: string): number {
  if (!text.startsWith('HTTP/1.') || text.charCodeAt(8) !== 32) return 0;
  const minor = text.charCodeAt(7);
  if (minor !== 48 && minor !== 49) return 0;
  const a = text.charCodeAt(9) - 48;
  const b = text.charCodeAt(10) - 48;
  const c = text.charCodeAt(11) - 48;
  if (!(a >= 1 && a <= 5 && b >= 0 && b <= 9 && c >= 0 && c <= 9)) return 0;
  const after = text.charCodeAt(12);
  return after === 32 || after === CR ? a * 100 + b * 10 + c : 0;
}

function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) return true;
  }
  return false;
}

/** Fields that `Connection` names are for one hop only. What frames the message is not theirs to remove. */
function withoutFields(headers: string[], names: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const lower = name.toLowerCase();
    if (names.includes(lower) && lower !== 'content-length') continue;
    kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}

function withoutField(headers: readonly string[], lower: string): string[] {
  return headers.filter((_, i) => headers[i - (i % 2)]?.toLowerCase() !== lower);
}

/** The fields of a trailer section; undefined when it is malformed. Fields that frame, route or authenticate are dropped (RFC 9110 §6.5.1). */
export function parseTrailers(text: string): string[] | undefined {
  const trailers: string[] = [];
  for (const line of text.split('\r\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    if (colon <= 0 || !isToken(name) || hasControls(value)) return undefined;
    if (!FORBIDDEN_TRAILERS.has(name.toLowerCase())) trailers.push(name, value);
  }
  return trailers;
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (TOKEN[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}

/** The same for trailers whose lines were parsed already: name, value, name, value. */
export function endToEndTrailers(fields: readonly string[]): string[] {
  return fields.filter((_, i) => !FORBIDDEN_TRAILERS.has(fields[i - (i % 2)]?.toLowerCase() ?? ''));
}

const FORBIDDEN_TRAILERS = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'keep-alive',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'authorization',
  'cache-control',
  'www-authenticate',
]);
