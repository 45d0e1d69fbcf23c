import { otherReadingsOf, type ReadablePath, Refusal } from '#kernel';

/**
 * The one form of a path that routing, policies, limits and the upstream see.
 *
 * - `.` and `..` segments are removed (RFC 3986, 5.2.4), then slashes that stand together are merged;
 * - encoded unreserved characters are decoded, the hex digits of all other encodings are upper case; nothing is decoded
 *   twice, so `%252e` stays `%252e`;
 * - trailing slashes, case and every reserved character stay as written; `%2F`, `%5C` and `\` are never separators here.
 *
 * What two servers could read in two ways is refused: a path whose dot segments would mean something else if `%2F`,
 * `%5C` or `\` were separators, one that climbs above the root, and encodings that are not UTF-8 (overlong ones too).
 * `;` is an ordinary character, so `/..;/` is an ordinary segment: it reaches the upstream exactly as it was authorised.
 */
export function normalizePath(rawTarget: string): string | Refusal {
  if (rawTarget.charCodeAt(0) !== SLASH) return bad('The path must start with "/".');
  return plainPath(rawTarget) ?? rewritePath(rawTarget);
}

export interface Target extends ReadablePath {
  /** Lower case, with the port if one was written; only where the target was in absolute form. */
  readonly host?: string;
  /** With its `?`, as the client sent it; empty when there is none. */
  readonly query: string;
}

/** Origin-form and absolute-form. The caller compares `host` with the Host field, and deals with `*` and CONNECT. */
export function splitTarget(rawUrl: string): Target | Refusal {
  let host: string | undefined;
  let target = rawUrl;
  if (rawUrl.charCodeAt(0) !== SLASH) {
    const absolute = ABSOLUTE.exec(rawUrl);
    if (!absolute) return bad('The request target must be a path that starts with "/", or an http(s) URL.');
    const [, authority = '', rest = ''] = absolute;
    if (authority.includes('@')) return bad('The request target must not carry a user name or password.');
    if (!AUTHORITY.test(authority)) return bad('The host in the request target is not valid.');
    host = authority.toLowerCase();
    target = rest.startsWith('/') ? rest : `/${rest}`;
  }
  const plain = plainPath(target);
  const path = plain ?? rewritePath(target);
  if (typeof path !== 'string') return path;
  const mark = path.length === target.length ? -1 : target.indexOf('?');
  const query = mark === -1 ? '' : target.slice(mark);
  if (!QUERY.test(query)) return bad(describeCharacter(query, 'query'));
  const otherReadings = plain === null ? otherReadingsOf(path) : NONE;
  return host === undefined ? { path, otherReadings, query } : { host, path, otherReadings, query };
}

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;
const AUTHORITY = /^(?:[a-z0-9._~!$&'()*+,;=-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?$/i;
/** A fragment is never sent, and everything else outside visible ASCII has to be encoded. */
const QUERY = /^[!"$-~]*$/;
const SEPARATOR = /\\|%2F|%5C/;

const NONE: readonly never[] = [];
const PLAIN = 0;
const LOOK = 1;
/** What the scan has to look at; all else is kept as it is, and read by everybody in one way. */
const KIND = new Uint8Array(128).fill(LOOK, 0, 0x21);
for (const char of '/?#%;\\\x7f') KIND[char.charCodeAt(0)] = LOOK;

const UNRESERVED = new Uint8Array(256);
for (let byte = 0; byte < 128; byte++) {
  if (/[\w.~-]/.test(String.fromCharCode(byte))) UNRESERVED[byte] = 1;
}

/** The path, where it is normal already and there is one way to read it; else null. */
function plainPath(target: string): string | null {
  const scan = scanPath(target);
  if (scan === target.length) return target;
  return scan >= 0 ? target.slice(0, scan) : null;
}

/**
 * One look at each character, no allocation: most paths are normal already. The length of the path if this one is, else -1.
 */
function scanPath(target: string): number {
  const { length } = target;
  for (let i = 0; i < length; i++) {
    const code = target.charCodeAt(i);
    if (code < 0x80 && KIND[code] === PLAIN) continue;
    if (code !== SLASH) return code === 0x3f ? i : -1;
    const next = target.charCodeAt(i + 1);
    if (next === SLASH || (next === DOT && isDotSegment(target, i + 1))) return -1;
  }
  return length;
}

/** Whether the segment that starts with a dot at `start` is `.` or `..`; an encoded one makes the scan give up anyway. */
function isDotSegment(target: string, start: number): boolean {
  const end = target.charCodeAt(start + 1) === DOT ? start + 2 : start + 1;
  const code = target.charCodeAt(end);
  return Number.isNaN(code) || code === SLASH || code === 0x3f;
}

function rewritePath(target: string): string | Refusal {
  const mark = target.indexOf('?');
  const decoded = decodeUnreserved(mark === -1 ? target : target.slice(0, mark));
  if (typeof decoded !== 'string') return decoded;
  const segments = decoded.split('/');
  const last = segments.length - 1;
  const kept: string[] = [];
  for (let i = 1; i <= last; i++) {
    const segment = segments[i] ?? '';
    if (segment === '..') {
      const left = kept.pop();
      if (left === undefined) return bad('The path climbs above the root with "..".');
      if (SEPARATOR.test(left)) return bad(AMBIGUOUS);
    } else if (segment !== '.') {
      if (hidesDotSegment(segment)) return bad(AMBIGUOUS);
      kept.push(segment);
      continue;
    }
    if (i === last) kept.push('');
  }
  const end = kept.length - 1;
  return `/${kept.filter((segment, i) => segment !== '' || i === end).join('/')}`;
}

const AMBIGUOUS =
  'The path has a dot segment beside an encoded slash, a backslash or an encoded backslash; servers read that in different ways.';

function hidesDotSegment(segment: string): boolean {
  if (!SEPARATOR.test(segment)) return false;
  return segment.split(SEPARATOR).some((part) => part === '.' || part === '..');
}

function decodeUnreserved(raw: string): string | Refusal {
  let decoded = '';
  let from = 0;
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code !== PERCENT) {
      if (code <= 0x20 || code >= 0x7f || code === 0x23) return bad(describeCharacter(raw, 'path'));
      continue;
    }
    const length = encodedLength(raw, i);
    if (length === 0) return bad(`The path has a malformed encoding at "${raw.slice(i, i + 3)}".`);
    const byte = byteAt(raw, i);
    if (byte === 0) return bad('The path has an encoded NUL (%00).');
    decoded += raw.slice(from, i);
    from = i + length;
    decoded += UNRESERVED[byte] === 1 ? String.fromCharCode(byte) : raw.slice(i, from).toUpperCase();
    i = from - 1;
  }
  return decoded + raw.slice(from);
}

/** How many characters the encoding of the one code point at `i` takes; 0 if it is malformed, or not UTF-8 (RFC 3629). */
function encodedLength(raw: string, i: number): number {
  const lead = byteAt(raw, i);
  if (lead < 0x80) return lead < 0 ? 0 : 3;
  const more = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  if (more === 0) return 0;
  const second = byteAt(raw, i + 3);
  if (second < (SECOND_FROM[lead] ?? 0x80) || second > (SECOND_TO[lead] ?? 0xbf)) return 0;
  for (let k = 2; k <= more; k++) {
    const next = byteAt(raw, i + 3 * k);
    if (next < 0x80 || next > 0xbf) return 0;
  }
  return 3 + 3 * more;
}

/** Narrower second bytes keep out overlong forms, surrogates, and what lies beyond U+10FFFF. */
const SECOND_FROM: Readonly<Record<number, number>> = { 0xe0: 0xa0, 0xf0: 0x90 };
const SECOND_TO: Readonly<Record<number, number>> = { 0xed: 0x9f, 0xf4: 0x8f };

/** The byte that `%XX` at `i` stands for, or -1. */
function byteAt(raw: string, i: number): number {
  if (raw.charCodeAt(i) !== PERCENT) return -1;
  const high = hexDigit(raw.charCodeAt(i + 1));
  const low = hexDigit(raw.charCodeAt(i + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function describeCharacter(text: string, where: 'path' | 'query'): string {
  const code = /[^!"$-~]/.exec(text)?.[0].charCodeAt(0) ?? 0;
  if (code === 0x23) return `The ${where} has a "#": a fragment is not sent to a server; write %23 for the character.`;
  const hex = code.toString(16).toUpperCase().padStart(2, '0');
  const what =
    code === 0 ? 'a NUL' : code === 0x20 ? 'a space' : code < 0x80 ? 'a control character' : 'a non-ASCII byte';
  return `The ${where} has ${what} (0x${hex}) that is not percent-encoded.`;
}

function bad(detail: string): Refusal {
  return new Refusal('bad_request', detail);
}
