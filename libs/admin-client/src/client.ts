import { type Operations, type Schemas } from './api.js';
import { AdminProblem, NotTheAdminApi } from './refused.js';

export type OperationName = keyof Operations;

/** What an operation is given may be left out where nothing of it is needed. */
export type Arguments<Given> = Partial<Given> extends Given ? [given?: Given] : [given: Given];

/** Calls an operation by the name that the OpenAPI document has for it: `client('GET /api/admin/routes/{name}', …)`. */
export type AdminClient = <Name extends OperationName>(
  name: Name,
  ...given: Arguments<Operations[Name]['given']>
) => Promise<Operations[Name]['answer']>;

/** `fetch` of a path of the admin API; where that is, and with which credential, is its business. */
type Fetch = (path: string, init: { method: string; headers: Headers; body: string | null }) => Promise<Response>;

/** What may be given, whatever the operation. */
interface AnyGiven {
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/** A client of the admin API, as its OpenAPI document describes it. Throws an `AdminProblem` where it is refused. */
export function adminClient(fetch: Fetch): AdminClient {
  return async <Name extends OperationName>(name: Name, ...given: Arguments<Operations[Name]['given']>) => {
    const { path = {}, query = {}, headers = {}, body } = (given[0] ?? {}) as AnyGiven;
    const [method = '', template = ''] = name.split(' ');
    const fields = new Headers({ accept: 'application/json, application/problem+json;q=0.9, */*;q=0.1' });
    // A configuration may be sent as it was written.
    if (body !== undefined)
      fields.set('content-type', typeof body === 'string' ? 'application/yaml' : 'application/json');
    for (const [field, value] of Object.entries(headers)) if (value !== undefined) fields.set(field, value);
    const response = await fetch(placed(template, path) + queryOf(query), {
      method,
      headers: fields,
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    return (await contentOf(response)) as Operations[Name]['answer'];
  };
}

function placed(template: string, path: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''));
}

function queryOf(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [value].flat().map((each): [string, string] => [name, `${each as string | number | boolean}`]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

/** Answers that are no JSON. Others of these types would be of something that only stands at this address. */
const TEXTS = /^(application\/(yaml|x-ndjson)|text\/plain; version=)/;

async function contentOf(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  const type = response.headers.get('content-type') ?? '';
  const text = await response.text();
  if (response.ok && TEXTS.test(type)) return text;
  const content = parsed(text);
  if (typeof content !== 'object' || content === null) throw new NotTheAdminApi(response.status);
  if (response.ok) return content;
  if ('code' in content) throw new AdminProblem(content as Schemas['Problem']);
  throw new NotTheAdminApi(response.status);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
