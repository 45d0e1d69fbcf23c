import {
  type AdminClient,
  adminClient,
  AdminProblem,
  type Arguments,
  NotTheAdminApi,
  type OperationName,
  type Operations,
  type Schemas,
} from '#admin-client';
import { CliError, EXIT } from './exit.js';

export interface LiveOptions {
  readonly url: string;
  readonly key?: string;
  /** Milliseconds; ten seconds where nothing is said. */
  readonly patience?: number;
}

const PATIENCE_MS = 10_000;
/** For what is worked on as a whole: longer than the gateway's own patience, which has more to say about it. */
export const LONG_PATIENCE_MS = 120_000;

/** Asks the admin API of a running gateway. Whatever comes instead of an answer is told in one line. */
export async function ask<Name extends OperationName>(
  options: LiveOptions,
  name: Name,
  ...given: Arguments<Operations[Name]['given']>
): Promise<Operations[Name]['answer']> {
  const base = baseOf(options.url);
  try {
    return await clientOf(base, options)(name, ...given);
  } catch (error) {
    throw told(error, base, name);
  }
}

/** Operations that answer with a page of a list. */
type ListName = {
  [Name in OperationName]: Operations[Name] extends {
    readonly given: { readonly query?: { readonly cursor?: string | undefined; readonly limit?: number | undefined } };
    readonly answer: Page<unknown>;
  }
    ? Name
    : never;
}[OperationName];

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** All items of a list, however many pages it has. */
export async function askAll<Name extends ListName>(
  options: LiveOptions,
  name: Name,
  given: Omit<Operations[Name]['given'], 'query'>,
  filter: Readonly<Record<string, string>> = {},
): Promise<Operations[Name]['answer']['items'][number][]> {
  const items: Operations[Name]['answer']['items'][number][] = [];
  let cursor: string | null = null;
  do {
    const query = { ...filter, limit: 1000, ...(cursor !== null && { cursor }) };
    const page: Page<(typeof items)[number]> = await ask(
      options,
      name,
      ...([{ ...given, query }] as unknown as Arguments<Operations[Name]['given']>),
    );
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

function clientOf(base: string, { key = '', patience }: LiveOptions): AdminClient {
  if (key === '') {
    throw new CliError(
      EXIT.usage,
      'The admin key is missing: set AEGIS_ADMIN_KEY, or give --key. On the gateway’s own machine `aegis keys create --admin` makes one.',
    );
  }
  return adminClient(async (path, { headers, ...init }) => {
    headers.set('x-api-key', key);
    return await fetchFrom(base, path, { ...init, headers }, patience);
  });
}

interface Openly {
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
}

interface Answered<T> {
  readonly status: number;
  readonly body: T & Partial<Schemas['Problem']>;
}

/** Asks without an admin key. A refusal is an answer like any other here. */
export async function askOpenly<T>(
  url: string,
  name: OperationName,
  { headers = {}, form }: Openly,
): Promise<Answered<T>> {
  const base = baseOf(url);
  const [method = '', path = ''] = name.split(' ');
  const response = await fetchFrom(base, path, {
    method,
    headers: new Headers({ accept: 'application/json', ...headers }),
    body: form === undefined ? null : new URLSearchParams(form),
  });
  const body = (await response.json().catch(() => null)) as (T & Partial<Schemas['Problem']>) | null;
  if (typeof body !== 'object' || body === null) throw told(new NotTheAdminApi(response.status), base, name);
  // Also what nobody can answer now.
  if (body.code === 'route_not_found' || response.status === 429 || response.status >= 500) {
    throw told(new AdminProblem(body as Schemas['Problem']), base, name);
  }
  return { status: response.status, body };
}

async function fetchFrom(base: string, path: string, init: RequestInit, patience = PATIENCE_MS): Promise<Response> {
  const signal = AbortSignal.timeout(patience);
  return await fetch(base + path, { ...init, redirect: 'manual', signal }).catch((error: unknown) => {
    throw unreachable(base, error, patience);
  });
}

function baseOf(url: string): string {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new CliError(EXIT.usage, `--url takes the address of a gateway, such as http://localhost:8080; not ${url}`);
  }
  return new URL(url).origin;
}

function unreachable(base: string, error: unknown, patience: number): CliError {
  const start = 'Is it running (`aegis start`)? Is it elsewhere (--url, AEGIS_URL)?';
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new CliError(EXIT.unreachable, `${base} has not answered within ${patience / 1000} s. ${start}`);
  }
  const { code, message } = reasonOf(error);
  if (/CERT|SIGNATURE/.test(code)) {
    return new CliError(
      EXIT.unreachable,
      `The certificate of ${base} is not trusted here: ${message}. Name a file with its authority in NODE_EXTRA_CA_CERTS.`,
    );
  }
  if (code === 'UND_ERR_SOCKET' && base.startsWith('http:')) {
    const secure = base.replace('http:', 'https:');
    return new CliError(EXIT.unreachable, `${base} hangs up. Does it want TLS (--url ${secure})? ${start}`);
  }
  return new CliError(EXIT.unreachable, `No gateway at ${base}: ${message}. ${start}`);
}

const IN_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
};

/** `fetch` says "fetch failed" and keeps the reason to itself: a cause, which may hold one error for each address. */
function reasonOf(error: unknown): { readonly code: string; readonly message: string } {
  const cause = error instanceof Error ? error.cause : undefined;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  if (!(first instanceof Error)) return { code: '', message: error instanceof Error ? error.message : String(error) };
  const code = 'code' in first ? String(first.code) : '';
  return { code, message: IN_WORDS[code] ?? first.message };
}

function told(error: unknown, base: string, name: OperationName): unknown {
  if (error instanceof NotTheAdminApi) {
    return new CliError(
      EXIT.unreachable,
      `What answers at ${base} is not the admin API of Aegis (status ${error.status}, no JSON). Is it elsewhere (--url, AEGIS_URL)?`,
    );
  }
  if (!(error instanceof AdminProblem)) return error;
  const { code, detail, errors = [] } = error.problem;
  if (code === 'route_not_found') {
    return new CliError(
      EXIT.unreachable,
      `${base} has no ${name.split(' ')[1] ?? name}. With admin.port set, give the address of that port: --url, AEGIS_URL.`,
    );
  }
  // One that is said already is not said again; the title of the problem says in general what the detail says of this one.
  const lines = errors.filter(({ message }) => !detail.includes(message)).map(({ message }) => `  ${message}`);
  return new CliError(EXIT.no, [detail, ...lines, ...hintsFor(code)].join('\n'), {
    code,
    brief: [detail, ...hintsFor(code)].join(' '),
    ...(errors.length > 0 && { errors }),
  });
}

/** What to do about a key, which the gateway cannot say: it does not know where the key came from. */
function hintsFor(code: string): readonly string[] {
  if (code === 'invalid_credentials') {
    return [
      'Is the key in --key or AEGIS_ADMIN_KEY one of this gateway? On its machine `aegis keys create --admin` makes another.',
    ];
  }
  return code === 'forbidden' ? ['The roles of this key do not grant it: take the key of an administrator.'] : [];
}
