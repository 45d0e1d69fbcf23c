import { type IncomingHttpHeaders } from 'node:http';
import { type CorsConfig } from '#config';
import { FieldNames, removeFields } from './field-names.js';
import { type FixedAnswer } from './fixed-answer.js';
import { addVary } from './vary.js';

/** What an upstream says about origins would stand beside what Aegis says, and browsers refuse two of them. */
const UPSTREAM_FIELDS = new FieldNames([
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-private-network',
  'access-control-expose-headers',
  'access-control-max-age',
]);

const NONE: readonly string[] = [];
const VARIES: readonly string[] = ['Vary', 'Origin'];
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TOKENS = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/;

/** A browser asks whether it may send a request (Fetch, "CORS-preflight request"). Any other OPTIONS is an ordinary one. */
export function isPreflight(req: {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}): boolean {
  return (
    req.method === 'OPTIONS' &&
    req.headers.origin !== undefined &&
    req.headers['access-control-request-method'] !== undefined
  );
}

/**
 * Which origins may read answers. Origins are compared exactly, as browsers write them. A request of another origin is not
 * refused, since this protects readers and not the upstream; its answer just says nothing that would let a script have it.
 * Requests from public pages into a private network get no permission either way.
 */
export class CorsPolicy {
  private readonly any: boolean;
  private readonly allowed: ReadonlyMap<string, readonly string[]>;
  private readonly own: ReadonlyMap<string, readonly string[]>;

  constructor(private readonly config: CorsConfig) {
    this.any = config.origins.includes('*');
    this.allowed = new Map(config.origins.map((origin) => [origin, this.fields(origin)]));
    this.own = new Map([...this.allowed].map(([origin, fields]) => [origin, [...VARIES, ...fields]]));
  }

  /** What an answer that Aegis gives by itself carries, so that scripts can read errors too. */
  fieldsFor(origin: string | undefined): readonly string[] {
    return this.any ? this.allowedFor(origin) : ((origin === undefined ? undefined : this.own.get(origin)) ?? VARIES);
  }

  /** Makes a response of an upstream follow this policy, in place. */
  apply(origin: string | undefined, fields: string[]): void {
    removeFields(fields, UPSTREAM_FIELDS);
    const allowed = this.allowedFor(origin);
    if (allowed.length > 0) fields.push(...allowed);
    // Also where the origin is not allowed or not given: a cache must not serve that answer to one that is.
    if (!this.any) addVary(fields, 'Origin');
  }

  /** 204 for every origin: one that is not allowed learns it from what the answer lacks, which browsers report best. */
  preflight(headers: IncomingHttpHeaders): FixedAnswer {
    const { methods, headers: names, credentials, maxAge } = this.config;
    const allowed = this.allowedFor(headers.origin);
    const answer = this.any ? [] : [...VARIES];
    if (allowed.length > 0) {
      answer.push(...allowed);
      grant(answer, 'Method', TOKEN, methods, credentials, headers['access-control-request-method']);
      grant(answer, 'Header', TOKENS, names, credentials, headers['access-control-request-headers']);
      answer.push('Access-Control-Max-Age', String(Math.floor(maxAge / 1000)));
    }
    return { status: 204, headers: answer, body: null };
  }

  private allowedFor(origin: string | undefined): readonly string[] {
    const name = this.any ? '*' : origin;
    return (name === undefined ? undefined : this.allowed.get(name)) ?? NONE;
  }

  private fields(origin: string): string[] {
    const { credentials } = this.config;
    // With credentials a browser takes `*` for the name of a field.
    const expose = credentials ? this.config.expose.filter((name) => name !== '*') : this.config.expose;
    const fields = ['Access-Control-Allow-Origin', origin];
    if (credentials) fields.push('Access-Control-Allow-Credentials', 'true');
    if (expose.length > 0) fields.push('Access-Control-Expose-Headers', expose.join(', '));
    return fields;
  }
}

/** With credentials a browser takes `*` for the name of a method or field: what was asked for is said back instead. */
function grant(
  answer: string[],
  what: 'Method' | 'Header',
  shape: RegExp,
  granted: readonly string[],
  credentials: boolean,
  asked: string | undefined,
): void {
  const name = `Access-Control-Allow-${what}s`;
  if (!granted.includes('*')) {
    if (granted.length > 0) answer.push(name, granted.join(', '));
    return;
  }
  if (!credentials) {
    answer.push(name, '*');
    return;
  }
  addVary(answer, `Access-Control-Request-${what}${what === 'Header' ? 's' : ''}`);
  if (asked !== undefined && shape.test(asked)) answer.push(name, asked);
}
