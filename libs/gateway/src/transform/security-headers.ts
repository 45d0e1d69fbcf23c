import { remembered } from './remembered.js';

/**
 * The fields that helmet 8 sets by default, with its values (https://helmetjs.github.io). Two of them mean nothing on plain
 * HTTP, or the wrong thing: Strict-Transport-Security must not be sent there (RFC 6797, 7.2), and
 * `upgrade-insecure-requests` would send a page's own scripts to a port that speaks no TLS.
 *
 * Why proxied pages get no Content-Security-Policy: docs/adr/0005-no-content-security-policy-for-proxied-pages.md
 */
const POLICY = [
  "default-src 'self'",
  "base-uri 'self'",
  "font-src 'self' https: data:",
  "form-action 'self'",
  "frame-ancestors 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "script-src 'self'",
  "script-src-attr 'none'",
  "style-src 'self' https: 'unsafe-inline'",
];

const COMMON = [
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Origin-Agent-Cluster', '?1'],
  ['Referrer-Policy', 'no-referrer'],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-DNS-Prefetch-Control', 'off'],
  ['X-Download-Options', 'noopen'],
  ['X-Frame-Options', 'SAMEORIGIN'],
  ['X-Permitted-Cross-Domain-Policies', 'none'],
  ['X-XSS-Protection', '0'],
] as const;

interface Field {
  readonly name: string;
  readonly value: string;
  /** Which of the set it is. */
  readonly bit: number;
}

const field = ([name, value]: readonly [string, string], i: number): Field => ({ name, value, bit: 1 << i });
const FIELDS = COMMON.map(field);
const TRANSPORT = field(['Strict-Transport-Security', 'max-age=31536000; includeSubDomains'], FIELDS.length);
const policy = (parts: readonly string[]): Field =>
  field(['Content-Security-Policy', parts.join(';')], FIELDS.length + 1);

class FieldSet {
  readonly flat: readonly string[];

  constructor(readonly fields: readonly Field[]) {
    this.flat = fields.flatMap(({ name, value }) => [name, value]);
  }
}

const PLAIN_PAGE = new FieldSet(FIELDS);
const PLAIN = new FieldSet([...FIELDS, policy(POLICY)]);
const SECURE_PAGE = new FieldSet([...FIELDS, TRANSPORT]);
const SECURE = new FieldSet([...FIELDS, TRANSPORT, policy([...POLICY, 'upgrade-insecure-requests'])]);

const BITS: ReadonlyMap<string, number> = new Map(SECURE.fields.map(({ name, bit }) => [name.toLowerCase(), bit]));
const CONTENT_TYPE = 'content-type';
/** A field whose name has another length is neither one of ours nor the type. */
const LENGTHS = new Uint8Array(256);
for (const name of [...BITS.keys(), CONTENT_TYPE]) LENGTHS[name.length] = 1;

/** For an answer that Aegis gives by itself. `secure`: the client came over HTTPS. */
export function ownSecurityHeaders(secure: boolean): readonly string[] {
  return (secure ? SECURE : PLAIN).flat;
}

/** Gives a proxied response those that it lacks, in place. */
export function addSecurityHeaders(fields: string[], secure: boolean): void {
  let present = 0;
  let type = '';
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (LENGTHS[name.length] !== 1) continue;
    const lower = name.toLowerCase();
    if (lower === CONTENT_TYPE) type = fields[i + 1] as string;
    else present |= BITS.get(lower) ?? 0;
  }
  const page = governedByPolicy(type);
  const set = secure ? (page ? SECURE_PAGE : SECURE) : page ? PLAIN_PAGE : PLAIN;
  if (present === 0) {
    fields.push(...set.flat);
    return;
  }
  for (const { name, value, bit } of set.fields) if ((present & bit) === 0) fields.push(name, value);
}

/** What a browser opens as a document or runs as a worker obeys the policy it came with; what has no type may be either. */
const PAGE =
  /^(?:$|text\/html|application\/xhtml|application\/pdf|multipart\/|(?:text|application)\/(?:x-)?(?:java|ecma|j|live)script|[^;]*[/+]xml)/;

const governedByPolicy = remembered(256, (type) => PAGE.test(type.trim().toLowerCase()));
