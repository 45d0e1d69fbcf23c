import { type Problem } from '#kernel';
import { CliError, EXIT } from './exit.js';

export interface LiveOptions {
  readonly url: string;
  readonly key?: string;
}

const PATIENCE_MS = 10_000;
/** For what is worked on as a whole. */
export const LONG_PATIENCE_MS = 60_000;

type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly patience?: number;
}

/** Asks the admin API of a running gateway. Whatever comes instead of an answer is told in one line. */
export async function ask<T>(options: LiveOptions, method: HttpMethod, path: string, sent: Sent = {}): Promise<T> {
  const { base, response } = await send(options, method, path, sent);
  if (response.status === 204) return undefined as T;
  const body = await bodyOf(response, base);
  if (response.ok) return body as T;
  throw refused(body, base, path);
}

/** All items of a list, however many pages it has. */
export async function askAll<T>(options: LiveOptions, path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: '1000', ...(cursor !== null && { cursor }) }).toString();
    const page: Page<T> = await ask(options, 'GET', `${path}?${query}`);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

async function send(
  { url, key = '' }: LiveOptions,
  method: HttpMethod,
  path: string,
  { body, headers, patience = PATIENCE_MS }: Sent,
): Promise<{ readonly base: string; readonly response: Response }> {
  if (key === '') {
    throw new CliError(
      EXIT.usage,
      'The admin key is missing: set AEGIS_ADMIN_KEY, or give --key. On the gateway’s own machine `aegis keys create --admin` makes one.',
    );
  }
  const init = {
    method,
    headers: {
      'x-api-key': key,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  };
  return await fetchFrom(url, path, init, patience);
}

interface Asked {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
}

interface Answered<T> {
  readonly status: number;
  readonly body: T & Partial<Problem>;
}

/** Asks without an admin key. A refusal is an answer like any other here. */
export async function askOpenly<T>(
  url: string,
  path: string,
  { method = 'GET', headers = {}, form }: Asked,
): Promise<Answered<T>> {
  const sent = { method, headers, body: form === undefined ? null : new URLSearchParams(form) };
  const { base, response } = await fetchFrom(url, path, sent);
  const body = (await bodyOf(response, base)) as T & Partial<Problem>;
  // Also what nobody can answer now.
  if (body.code === 'route_not_found' || response.status === 429 || response.status >= 500) {
    throw refused(body, base, path);
  }
  return { status: response.status, body };
}

async function fetchFrom(
  url: string,
  path: string,
  { headers, ...init }: Omit<RequestInit, 'headers'> & { readonly headers: Readonly<Record<string, string>> },
  patience = PATIENCE_MS,
): Promise<{ readonly base: string; readonly response: Response }> {
  const base = baseOf(url);
  const response = await fetch(base + path, {
    ...init,
    headers: { accept: 'application/json', ...headers },
    redirect: 'manual',
    signal: AbortSignal.timeout(patience),
  }).catch((error: unknown) => {
    throw unreachable(base, error, patience);
  });
  return { base, response };
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
  return new CliError(EXIT.unreachable, `No gateway at ${base}: ${reasonOf(error)}. ${start}`);
}

/** `fetch` says "fetch failed" and keeps the reason to itself: a cause, which may hold one error for each address. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  if (!(first instanceof Error)) return error instanceof Error ? error.message : String(error);
  const code = 'code' in first ? first.code : undefined;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'ENOTFOUND') return 'there is no such host';
  return first.message;
}

async function bodyOf(response: Response, base: string): Promise<object> {
  const text = await response.text().catch(() => '');
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null) return body;
  } catch {
    // Said below.
  }
  throw new CliError(
    EXIT.unreachable,
    `What answers at ${base} is not the admin API of Aegis (status ${response.status}, no JSON). Is it elsewhere (--url, AEGIS_URL)?`,
  );
}

function refused({ code, title, detail, errors = [] }: Partial<Problem>, base: string, path: string): CliError {
  if (code === 'route_not_found') {
    return new CliError(
      EXIT.unreachable,
      `${base} has no ${path.split('?')[0] ?? path}. With admin.port set, give the address of that port: --url, AEGIS_URL.`,
    );
  }
  const lines = errors.map(({ message }) => `  ${message}`);
  const said = `${title ?? 'Refused'}: ${detail ?? 'it does not say why.'}`;
  return new CliError(EXIT.no, [said, ...lines].join('\n'), code ?? null);
}
