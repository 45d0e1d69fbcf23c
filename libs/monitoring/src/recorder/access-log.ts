import { MASK } from '#kernel';
import { type RecordReader } from './recorder.js';
import { type RequestRecord } from './request-record.js';

export interface AccessLogSettings {
  readonly enabled: boolean;
  readonly anonymizeIp: boolean;
  /** Query parameters whose values are never written. */
  readonly redactQuery: readonly string[];
}

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/**
 * One JSON line per exchange. The lines of a tick are made by hand and written at once: an object and a serialiser for each
 * would cost more than the routing.
 */
export class AccessLog implements RecordReader {
  constructor(
    private readonly write: (lines: string) => void,
    private readonly settings: () => AccessLogSettings,
  ) {}

  read(records: readonly RequestRecord[], count: number): void {
    const settings = this.settings();
    if (!settings.enabled) return;
    let lines = '';
    for (let i = 0; i < count; i++) {
      const record = records[i];
      if (record) lines += line(record, settings);
    }
    this.write(lines);
  }
}

function line(r: RequestRecord, settings: AccessLogSettings): string {
  const ip = settings.anonymizeIp ? anonymized(r.clientIp) : r.clientIp;
  let text = `{"level":"info","time":"${new Date(r.time).toISOString()}","requestId":"${r.id}","method":"${r.method}","host":${quoted(r.host)},"path":${quoted(r.path)}`;
  if (r.query !== '') text += `,"query":${quoted(redactQuery(r.query, settings.redactQuery))}`;
  text += `,"status":${r.status},"latencyMs":${round(r.latencyMs)}`;
  if (r.upstreamMs >= 0) text += `,"upstreamMs":${round(r.upstreamMs)}`;
  if (r.route !== '') text += `,"route":${quoted(r.route)}`;
  if (r.backend !== '') text += `,"backend":${quoted(r.backend)}`;
  text += `,"clientIp":"${ip}","bytesIn":${r.bytesIn},"bytesOut":${r.bytesOut}`;
  if (r.userAgent !== '') text += `,"userAgent":${quoted(r.userAgent)}`;
  if (r.cached) text += ',"cached":true';
  if (r.retries > 0) text += `,"retries":${r.retries}`;
  if (r.aborted) text += ',"aborted":true';
  if (r.errorCode !== null) text += `,"code":"${r.errorCode}"`;
  if (r.errorMessage !== null) text += `,"error":${quoted(r.errorMessage)}`;
  return `${text},"msg":${quoted(`${r.method} ${r.path} ${r.status} ${round(r.latencyMs)}ms`)}}\n`;
}

/** A log line cannot be forged: whatever is not plain text goes through the serialiser. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text).replace(TERMINAL_CONTROLS, escaped);
}

/** What JSON leaves as it is and a terminal obeys. */
const TERMINAL_CONTROLS = /[\x7f-\x9f]/g;

function escaped(character: string): string {
  return `\\u00${character.charCodeAt(0).toString(16)}`;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

export function redactQuery(query: string, names: readonly string[]): string {
  if (names.length === 0 || query === '') return query;
  const parts = query.slice(1).split('&');
  return `?${parts.map((part) => redactParameter(part, names)).join('&')}`;
}

function redactParameter(part: string, names: readonly string[]): string {
  const equals = part.indexOf('=');
  if (equals < 0) return part;
  const name = decoded(part.slice(0, equals)).toLowerCase();
  return names.some((each) => each.toLowerCase() === name) ? `${part.slice(0, equals)}=${MASK}` : part;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** The last octet of IPv4, the last 80 bits of IPv6 zeroed. */
export function anonymized(address: string): string {
  if (!address.includes(':')) return address.replace(/\.\d+$/, '.0');
  const [head = ''] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const kept = address.includes('::') ? [...groups, '0', '0', '0'].slice(0, 3) : groups.slice(0, 3);
  return `${kept.join(':')}::`;
}
