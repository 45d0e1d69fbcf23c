import { type IncomingHttpHeaders } from 'node:http';
import { fieldOf } from './fields.js';
import { parseHttpDate } from './http-date.js';
import { type StoredResponse } from './stored-response.js';

const TAG = /(W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** Whether a client that asked on a condition has this answer already: 304 (RFC 9110, 13; RFC 9111, 4.3.2). */
export function isUnchanged(headers: IncomingHttpHeaders, stored: StoredResponse): boolean {
  if (stored.status !== 200) return false;
  const tags = headers['if-none-match'];
  if (tags !== undefined) {
    const own = fieldOf(stored.fields, 'etag');
    return tags.trim() === '*' || (own !== null && matching(tags, own) !== null);
  }
  const since = headers['if-modified-since'];
  if (since === undefined) return false;
  const known = parseHttpDate(since, stored.receivedAt);
  const modified = fieldOf(stored.fields, 'last-modified') ?? fieldOf(stored.fields, 'date') ?? '';
  const at = parseHttpDate(modified, stored.receivedAt);
  return known !== null && at !== null && at <= known;
}

/** The tag of the list that means the same as `own` by the weak comparison, as the client wrote it. */
function matching(list: string, own: string): string | null {
  for (const [tag] of list.matchAll(TAG)) if (opaque(tag) === opaque(own)) return tag;
  return null;
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

const OF_304 = new Set([
  'cache-control',
  'cache-status',
  'content-location',
  'date',
  'etag',
  'expires',
  'last-modified',
  'vary',
]);

/** The fields of a 304 for it. A client that knows the answer by a weak tag, such as a compressed one has, is told that one. */
export function fieldsOf304(headers: IncomingHttpHeaders, stored: StoredResponse): string[] {
  const fields: string[] = [];
  for (let i = 0; i < stored.fields.length; i += 2) {
    const name = stored.fields[i] as string;
    const value = stored.fields[i + 1] as string;
    const lower = name.toLowerCase();
    if (!OF_304.has(lower)) continue;
    const known = lower === 'etag' ? matching(headers['if-none-match'] ?? '', value) : null;
    fields.push(name, known ?? value);
  }
  return fields;
}

/** The lines of a request that ask whether this is still good; empty: the upstream cannot be asked. */
export function validatorLines({ fields }: StoredResponse): string {
  const tag = fieldOf(fields, 'etag');
  const modified = fieldOf(fields, 'last-modified');
  return `${tag === null ? '' : `If-None-Match: ${tag}\r\n`}${modified === null ? '' : `If-Modified-Since: ${modified}\r\n`}`;
}

/** What describes the body that is kept, not the one that a 304 is about. */
const UNTOUCHED = new Set([
  'age',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'keep-alive',
  'set-cookie',
  'transfer-encoding',
  'x-request-id',
]);

/** The stored fields with what a 304 says in place of what was said before; null: it speaks of another answer (RFC 9111, 4.3.4). */
export function freshened(stored: readonly string[], news: readonly string[], date: string): string[] | null {
  const [own, other] = [fieldOf(stored, 'etag'), fieldOf(news, 'etag')];
  if (own !== null && other !== null && opaque(own) !== opaque(other)) return null;
  const said: string[] = [];
  const names = new Set<string>(['date']);
  for (let i = 0; i < news.length; i += 2) {
    const lower = (news[i] as string).toLowerCase();
    if (UNTOUCHED.has(lower)) continue;
    names.add(lower);
    said.push(news[i] as string, news[i + 1] as string);
  }
  if (fieldOf(said, 'date') === null) said.push('Date', date);
  const kept = stored.filter((_, i) => !names.has((stored[i - (i % 2)] as string).toLowerCase()));
  return [...kept, ...said];
}
