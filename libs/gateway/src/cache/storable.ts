import { directives } from './cache-control.js';
import { fieldOf, listOf } from './fields.js';
import { HEURISTIC, type Terms } from './terms.js';

/** What decides whether an answer may be kept, of the request and of the answer (RFC 9111, 3). */
export interface Candidate {
  readonly status: number;
  readonly fields: readonly string[];
  readonly terms: Terms;
  readonly asked: {
    readonly noStore: boolean;
    /** The caller is known, or has sent a credential. */
    readonly known: boolean;
    /** The request has cookies that are not part of the key. */
    readonly cookies: boolean;
  };
}

/** Statuses that this cache understands, for `must-understand`. */
const UNDERSTOOD = new Set([
  200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412,
  413, 414, 415, 416, 417, 421, 422, 426, 429, 500, 501, 502, 503, 504,
]);

/** Why an answer is not kept, as a word for `Cache-Status`; null: it may be. */
export function unstorable({ status, fields, terms, asked }: Candidate): string | null {
  const said = directives(fieldOf(fields, 'cache-control') ?? '');
  if (asked.noStore) return 'request-no-store';
  if (status < 200 || status === 206 || status === 304) return 'status';
  const understands = said.has('must-understand');
  if (understands && !UNDERSTOOD.has(status)) return 'status';
  if (said.has('no-store') && !understands) return 'no-store';
  if (said.has('private')) return 'private';
  if (fieldOf(fields, 'set-cookie') !== null) return 'set-cookie';
  if (fieldOf(fields, 'content-range') !== null) return 'status';
  if ((fieldOf(fields, 'content-type') ?? '').toLowerCase().startsWith('text/event-stream')) return 'event-stream';
  if (!terms.explicit && !HEURISTIC.has(status) && !said.has('public')) return 'status';
  if (asked.known && !terms.shared) return 'credentials';
  // What was made for one cookie is for nobody else, unless the upstream says how long it is good for all.
  if (asked.cookies && !terms.explicit && !terms.shared) return 'cookies';
  return null;
}

/** Fields of an answer that are not kept: they concern one exchange or one hop (RFC 9111, 3.1), or are made anew. */
const DROPPED = new Set([
  'age',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'trailer',
  'x-request-id',
]);

export function keptFields(fields: readonly string[], date: string): string[] {
  const kept: string[] = [];
  let dated = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const lower = name.toLowerCase();
    if (DROPPED.has(lower)) continue;
    if (lower === 'date') dated = true;
    kept.push(name, fields[i + 1] as string);
  }
  if (!dated) kept.push('Date', date);
  return kept;
}

/** More names than any honest answer varies by. */
const MOST_NAMES = 12;
/** Part of the key whatever an answer says. */
const IN_KEY = new Set(['host', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-prefix']);
/** Aegis writes these itself, for each request another way: what varies by them is good for one request. */
const OURS =
  /^(?:x-forwarded-.*|forwarded|x-real-ip|x-request-id|x-consumer-.*|x-aegis-identity|traceparent|tracestate|via)$/;

/** The request fields that tell this answer from others to the same key, sorted; null: they cannot be told apart. */
export function selectingNames(fields: readonly string[], route: readonly string[]): readonly string[] | null {
  const names = new Set(route);
  for (const item of listOf(fieldOf(fields, 'vary'))) {
    const name = item.toLowerCase();
    if (IN_KEY.has(name)) continue;
    if (name === '*' || OURS.test(name)) return null;
    names.add(name);
  }
  // An encoded answer that forgot to say so.
  const encoding = fieldOf(fields, 'content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') names.add('accept-encoding');
  return names.size > MOST_NAMES ? null : [...names].sort();
}
