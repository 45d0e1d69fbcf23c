import { identityLines } from '#auth';
import { type ClientRequest, type Exchange, randomHex, Refusal } from '#kernel';
import { type FieldNames } from '../transform/field-names.js';
import { type RequestHeaderChanges } from '../transform/header-changes.js';
import { withoutOurCookies } from './our-cookies.js';

export const NO_BODY = 0;
export const WITH_LENGTH = 1;
export const IN_CHUNKS = 2;
export type BodyFraming = typeof NO_BODY | typeof WITH_LENGTH | typeof IN_CHUNKS;

/** How the client's body is framed. Node's parser has refused what is ambiguous; what it would let pass by is refused here. */
export function bodyFraming(req: ClientRequest): BodyFraming {
  const encoding = req.headers['transfer-encoding'];
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== 'chunked')
      throw new Refusal('bad_request', 'Transfer-Encoding must be chunked and nothing else.');
    return IN_CHUNKS;
  }
  const length = req.headers['content-length'];
  return length === undefined || length === '0' ? NO_BODY : WITH_LENGTH;
}

/** The parts of the upstream's request head that do not come from the client's fields. */
export interface HeadPlan {
  readonly method: string;
  readonly target: string;
  /** Empty: the target's own. */
  readonly host: string;
  readonly framing: BodyFraming;
  /** Empty: not an upgrade. */
  readonly upgrade: string;
  /** The prefix that was stripped, for `X-Forwarded-Prefix`. */
  readonly prefix: string;
  /** The client's fields that are for Aegis only. */
  readonly hides: FieldNames | null;
  /** Lines by which the upstream can verify who is calling; mostly empty. */
  readonly identity: string;
  readonly changes: RequestHeaderChanges | null;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/**
 * Writes the head in one pass over the client's raw fields. Hop-by-hop fields, what `Connection` names, and every field
 * by which a client could pretend to be Aegis are left out; ours are added after.
 */
export function requestHead(exchange: Exchange, plan: HeadPlan, hostOfTarget: string): string {
  const raw = exchange.req.rawHeaders;
  const named = namedByConnection(exchange.req);
  const drops = plan.changes?.drops ?? null;
  let text = `${plan.method} ${plan.target} HTTP/1.1\r\nHost: ${plan.host === '' ? hostOfTarget : plan.host}\r\n`;
  let viaField = '';
  let forwardedFor = '';
  let forwardedProto = '';
  let forwardedHost = '';
  let forwardedPort = '';
  let forwardedPrefix = '';
  let traceparent = '';
  let tracestate = '';

  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    let value = raw[i + 1] as string;
    const first = name.charCodeAt(0) | 32;
    switch (name.length) {
      case 2:
        if (first === T && lower(name) === 'te') continue;
        break;
      case 3:
        if (first === V && lower(name) === 'via') {
          viaField = viaField === '' ? value : `${viaField}, ${value}`;
          continue;
        }
        break;
      case 4:
        if (first === H && lower(name) === 'host') continue;
        break;
      case 6:
        if (first === E && lower(name) === 'expect') continue;
        if (first === C && value.includes('aegis_') && lower(name) === 'cookie') {
          value = withoutOurCookies(value);
          if (value === '') continue;
        }
        break;
      case 7:
        if (first === U && lower(name) === 'upgrade') continue;
        if (first === T && lower(name) === 'trailer') continue;
        break;
      case 9:
        if (first === F && lower(name) === 'forwarded' && !exchange.trusted) continue;
        break;
      case 10:
        if (first === C && lower(name) === 'connection') continue;
        if (first === K && lower(name) === 'keep-alive') continue;
        if (first === T && lower(name) === 'tracestate') {
          tracestate = tracestate === '' ? value : `${tracestate},${value}`;
          continue;
        }
        break;
      case 11:
        if (first === T && lower(name) === 'traceparent') {
          traceparent = traceparent === '' ? value : TWO_TRACES;
          continue;
        }
        break;
      case 16:
        if (first === P && lower(name) === 'proxy-connection') continue;
        break;
      case 17:
        if (first === T && lower(name) === 'transfer-encoding') continue;
        break;
      case 19:
        if (first === P && lower(name) === 'proxy-authorization') continue;
        break;
    }
    if (first === X && name.length >= 9) {
      const key = lower(name);
      if (key === 'x-request-id' || key.startsWith('x-consumer-') || key.startsWith('x-aegis-')) continue;
      if (key.startsWith('x-forwarded-')) {
        if (!exchange.trusted) continue;
        if (key === 'x-forwarded-for') forwardedFor = forwardedFor === '' ? value : `${forwardedFor}, ${value}`;
        else if (key === 'x-forwarded-proto') forwardedProto = value;
        else if (key === 'x-forwarded-host') forwardedHost = value;
        else if (key === 'x-forwarded-port') forwardedPort = value;
        else if (key === 'x-forwarded-prefix') forwardedPrefix = value;
        else text += `${name}: ${value}\r\n`;
        continue;
      }
      if (key === 'x-real-ip' && !exchange.trusted) continue;
    }
    if (plan.hides !== null && plan.hides.has(name)) continue;
    if (drops !== null && drops.has(name)) continue;
    if (named !== null && named.has(lower(name)) && lower(name) !== 'content-length') continue;
    text += `${name}: ${value}\r\n`;
  }

  const trace = TRACEPARENT.exec(traceparent);
  const traced = trace !== null && trace[1] !== NO_TRACE && trace[2] !== NO_SPAN && !traceparent.startsWith('ff');
  text += traced
    ? `traceparent: 00-${trace[1] ?? ''}-${randomHex(8)}-${trace[3] ?? ''}\r\n`
    : `traceparent: 00-${randomHex(16)}-${randomHex(8)}-00\r\n`;
  if (traced && tracestate !== '') text += `tracestate: ${tracestate}\r\n`;
  const hop = `${exchange.req.httpVersion} aegis`;
  text += `X-Request-Id: ${exchange.id}\r\nX-Forwarded-For: ${forwardedFor === '' ? exchange.peer : `${forwardedFor}, ${exchange.peer}`}\r\nX-Forwarded-Proto: ${forwardedProto === '' ? (exchange.listener.secure ? 'https' : 'http') : forwardedProto}\r\nX-Forwarded-Host: ${forwardedHost === '' ? (exchange.req.headers.host ?? '') : forwardedHost}\r\nX-Forwarded-Port: ${forwardedPort === '' ? exchange.listener.port : forwardedPort}\r\nVia: ${viaField === '' ? hop : `${viaField}, ${hop}`}\r\n`;
  const prefix = forwardedPrefix + plan.prefix;
  if (prefix !== '') text += `X-Forwarded-Prefix: ${prefix}\r\n`;
  if (exchange.principal !== null) text += identityLines(exchange.principal) + plan.identity;
  if (plan.changes !== null) text = withChanges(text, plan.changes);
  if (plan.framing === IN_CHUNKS) text += 'Transfer-Encoding: chunked\r\n';
  return plan.upgrade === '' ? `${text}\r\n` : `${text}Connection: Upgrade\r\nUpgrade: ${plan.upgrade}\r\n\r\n`;
}

/** What a route sets or removes has the last word over Aegis's own fields too. The client's were left out already. */
function withChanges(text: string, { drops, lines }: RequestHeaderChanges): string {
  if (!drops.isOurs) return text + lines;
  const [start = '', ...fields] = text.split('\r\n');
  const kept = fields.filter((field) => field !== '' && !drops.has(field.slice(0, field.indexOf(':'))));
  return `${[start, ...kept].join('\r\n')}\r\n${lines}`;
}

function lower(name: string): string {
  return name.toLowerCase();
}

/** The names that `Connection` lists beside the usual ones; null is the common case. */
function namedByConnection(req: ClientRequest): Set<string> | null {
  const connection = req.headers.connection;
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return null;
  return new Set(connection.split(',').map((token) => token.trim().toLowerCase()));
}

/** Nobody can tell which of two is meant, so neither is. */
const TWO_TRACES = ',';
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
/** Lower-case letters by their codes. */
const C = 99;
const E = 101;
const F = 102;
const H = 104;
const K = 107;
const P = 112;
const T = 116;
const U = 117;
const V = 118;
const X = 120;
