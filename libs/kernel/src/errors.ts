/**
 * The one catalogue of the errors that Aegis itself answers with. `docs/errors.md` is generated from it.
 * `title` is fixed for the code; what happened this time goes into the problem's `detail`.
 */
interface ErrorEntry {
  readonly status: number;
  readonly title: string;
  /** For the person who reads it: what it means, and what to do. */
  readonly doc: string;
}

const CATALOGUE = {
  bad_request: {
    status: 400,
    title: 'The request is not valid HTTP for this gateway',
    doc: 'The path, a header or the framing is malformed or ambiguous. The detail names which. Mend the client; the connection is closed where its framing cannot be trusted.',
  },
  authentication_required: {
    status: 401,
    title: 'Credentials are required',
    doc: 'Send a credential in one of the ways that `WWW-Authenticate` lists.',
  },
  invalid_credentials: {
    status: 401,
    title: 'The credentials are not valid',
    doc: 'The key or token is unknown, expired or revoked, or its signature does not hold.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    doc: 'The consumer is known but lacks the role, permission or scope that the detail names.',
  },
  ip_denied: {
    status: 403,
    title: 'The address is not let in',
    doc: '`ip.allow` or `ip.deny` of the gateway or the route keeps this address out. Behind a proxy, `gateway.trustedProxies` decides whose word about the address counts.',
  },
  route_not_found: {
    status: 404,
    title: 'No route matches',
    doc: 'No route takes this host and path. `aegis routes --match "GET http://host/path"` says why each one did not.',
  },
  not_found: {
    status: 404,
    title: 'There is no such thing',
    doc: 'The admin API knows nothing of this name. The detail says what was looked for, and what comes near.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    doc: 'A route takes this path, but not with this method. `Allow` lists the methods that are taken.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    doc: 'The client was too slow with the head or the body of the request (`gateway.limits.headersTimeout`, `requestTimeout`).',
  },
  declared_in_file: {
    status: 409,
    title: 'Declared in the configuration file',
    doc: 'What comes from the file is read-only in the admin API. Change it in the file; it is served as soon as that is saved.',
  },
  already_exists: {
    status: 409,
    title: 'The name is taken',
    doc: 'There is one of this name. `PUT` replaces it, `PATCH` changes it.',
  },
  in_use: {
    status: 409,
    title: 'Still in use',
    doc: 'Others would not work without it; the detail names them. Change or delete them first, or all in one `PUT /api/admin/config`.',
  },
  precondition_failed: {
    status: 412,
    title: 'It has changed meanwhile',
    doc: '`If-Match` or `If-None-Match` does not hold. Read it again, look at what has changed, and send the new `ETag`.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    doc: 'The body is larger than `limits.body` of the route or the gateway.',
  },
  uri_too_long: {
    status: 414,
    title: 'The URL is too long',
    doc: 'The request target is longer than `gateway.limits.url`.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body comes in the wrong format',
    doc: 'Say with `Content-Type` what the body is; the detail names what is taken.',
  },
  expectation_failed: {
    status: 417,
    title: 'The expectation cannot be met',
    doc: '`Expect` asks for something other than `100-continue`.',
  },
  validation_failed: {
    status: 422,
    title: 'The request does not validate',
    doc: '`errors` lists each mistake with its path.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    doc: 'A limit is used up; the detail names its rule. Wait the seconds of `Retry-After`; `RateLimit` says what is left of each limit. Without `Retry-After` no waiting helps: the request costs more than the limit ever allows.',
  },
  headers_too_large: {
    status: 431,
    title: 'The header fields are too large',
    doc: 'The request head is larger than `gateway.limits.headers`.',
  },
  internal_error: {
    status: 500,
    title: 'Aegis failed',
    doc: 'A mistake in Aegis. The log line with this `requestId` has the stack; please report it.',
  },
  upstream_unreachable: {
    status: 502,
    title: 'The upstream cannot be reached',
    doc: 'No connection to the target: refused, no such host, or a TLS failure. The log line with this `requestId` says which.',
  },
  upstream_reset: {
    status: 502,
    title: 'The upstream broke off',
    doc: 'The target closed or reset the connection, or answered something that is not HTTP, before its response head was complete.',
  },
  no_healthy_upstream: {
    status: 503,
    title: 'No healthy upstream',
    doc: 'Every target of the upstream is out of rotation. `GET /api/health` shows each with its last check.',
  },
  circuit_open: {
    status: 503,
    title: 'The circuit is open',
    doc: 'Every target of the upstream failed too often within the breaker’s window and is given a rest; some requests are let through as probes.',
  },
  overloaded: {
    status: 503,
    title: 'Overloaded',
    doc: 'The upstream has as many requests in flight as `concurrency` allows. Try again a little later.',
  },
  not_configured: {
    status: 503,
    title: 'Not configured',
    doc: 'What the request asks for exists, but this gateway’s configuration leaves it out. The detail names the key to set.',
  },
  store_unavailable: {
    status: 503,
    title: 'A store is unavailable',
    doc: 'The database or Redis that is needed to decide this cannot be reached. `GET /health` says which.',
  },
  limiter_unavailable: {
    status: 503,
    title: 'Limits cannot be checked',
    doc: 'Redis, where the counts are, cannot be reached, and `rateLimiting.onStoreFailure` is `deny`. `GET /health` shows it.',
  },
  not_cached: {
    status: 504,
    title: 'Not in the cache',
    doc: 'The request asked for a stored answer and nothing else (`Cache-Control: only-if-cached`), and there is none that it could be given.',
  },
  upstream_timeout: {
    status: 504,
    title: 'The upstream took too long',
    doc: 'The target did not connect, answer or go on within `timeouts` of the upstream or `timeout` of the route.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

export const errorCatalogue: Readonly<Record<ErrorCode, ErrorEntry>> = CATALOGUE;

/** RFC 9457, with the two members that every problem of ours has: `code` and `requestId`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  readonly instance: string;
  readonly errors?: readonly FieldError[];
}

export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export const PROBLEM_TYPE_BASE = 'urn:aegis:error:';

export function problem(
  code: ErrorCode,
  detail: string,
  request: { readonly id: string; readonly path: string },
  errors?: readonly FieldError[],
): Problem {
  const { status, title } = CATALOGUE[code];
  return {
    type: PROBLEM_TYPE_BASE + code,
    title,
    status,
    detail,
    code,
    requestId: request.id,
    instance: request.path,
    ...(errors && { errors }),
  };
}

/**
 * A refusal: an expected outcome that ends an exchange. Guards leave it on the exchange; further in it is thrown, so it is
 * not an `Error`: capturing a stack would cost more than the answer.
 */
export class Refusal {
  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    readonly headers?: Readonly<Record<string, string>>,
    readonly errors?: readonly FieldError[],
  ) {}

  get status(): number {
    return CATALOGUE[this.code].status;
  }
}
