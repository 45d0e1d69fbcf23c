import { type Operation } from '../operations.js';
import { PROMETHEUS } from '../prometheus.api.js';
import { chapters, schemas } from './chapters.js';
import { type Answer, type Chapter, type Contents, type Description, FIELDS } from './description.js';
import { nameOfProblems, OTHER_PROBLEMS, problemResponse, problemsOf } from './problems.js';
import { type Members, type Shape, text } from './shapes.js';

export interface Served {
  readonly version: string;
  readonly operations: readonly Operation[];
  /** Where the metrics for Prometheus are. */
  readonly metricsPath: string;
}

const INTRODUCTION = `Everything that Aegis serves by itself, other than \`/health\`.

Send a credential as \`X-API-Key\` or \`Authorization: Bearer\`. Each operation names the permission that it needs.
Lists are \`{items, nextCursor}\`. Send the \`ETag\` of what you read back as \`If-Match\`: who comes second gets 412.
Every error is \`application/problem+json\` with a \`code\`. Every answer has an \`X-Request-Id\`.`;

const SECURITY = {
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'A key of any consumer, or `AEGIS_ADMIN_KEY`.',
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A key, an access token of Aegis, or a token of an issuer that `auth` trusts.',
  },
  session: { type: 'apiKey', in: 'cookie', name: 'aegis_session', description: 'Of a browser that has signed in.' },
};

const CONDITIONS = ['If-Match', 'If-None-Match'];
/** The parameter of what may be 304, and that answer. */
const KNOWN = 'Known';
const UNCHANGED = 'unchanged';

/** OpenAPI 3.1 of what is served: what the controllers declare, with what is written of each beside them. */
export function openApiDocument({ version, operations, metricsPath }: Served): object {
  const book = chapters();
  const described = operations.map((operation) => ({ operation, ...findIn(book, operation, metricsPath) }));
  const responses: Record<string, Shape> = { other: OTHER_PROBLEMS };
  const paths: Record<string, Record<string, Shape>> = {};
  for (const { operation, title, description } of described) {
    const problems = problemsOf(operation.method, operation.needs, description);
    for (const codes of problems.values()) responses[nameOfProblems(codes)] ??= problemResponse(codes);
    (paths[templateOf(operation.path)] ??= {})[operation.method.toLowerCase()] = {
      tags: [title],
      operationId: idOf(operation),
      summary: description.summary,
      ...(description.more !== undefined && { description: description.more }),
      'x-aegis-permission': operation.needs,
      ...(operation.needs === 'nothing' && { security: [] }),
      ...parametersOf(operation, description),
      ...bodyOf(description),
      responses: { ...responsesOf(description, problems), ...unchangedOf(operation, description) },
    };
  }
  const titles = new Set(described.map(({ title }) => title));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Aegis admin API',
      version,
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: Object.keys(SECURITY).map((scheme) => ({ [scheme]: [] })),
    tags: book
      .filter(({ title }) => titles.has(title))
      .map(({ title, about }) => ({ name: title, description: about })),
    paths,
    components: {
      schemas: schemas(),
      responses: { ...responses, [UNCHANGED]: { description: 'It is as it was when that `ETag` came.' } },
      parameters: {
        ...Object.fromEntries(CONDITIONS.map((name) => [name, conditionOf(name)])),
        [KNOWN]: knownParameter(),
      },
      headers: Object.fromEntries(
        Object.entries(FIELDS).map(([name, description]) => [name, { description, schema: text() }]),
      ),
      securitySchemes: SECURITY,
    },
  };
}

function findIn(
  book: readonly Chapter[],
  { method, path }: Operation,
  metricsPath: string,
): { readonly title: string; readonly description: Description } {
  const name = `${method} ${path}`;
  for (const { title, operations } of book) {
    const description = operations[name];
    if (description !== undefined) return { title, description };
  }
  if (name === `GET ${metricsPath}`) return { title: 'Metrics', description: PROMETHEUS };
  return { title: 'Else', description: { summary: name, answers: { 200: { says: 'Done.' } } } };
}

function templateOf(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

/** `getRoutesByName`. */
function idOf({ method, path }: Operation): string {
  const words = path
    .replace(/^\/api(\/admin)?(?=\/)/, '')
    .split(/[^A-Za-z0-9:]+/)
    .filter((word) => word !== '');
  const said = words.map((word) => (word.startsWith(':') ? `By${capital(word.slice(1))}` : capital(word)));
  return `${method.toLowerCase()}${said.join('')}`;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Express gives every answer of its own a tag, and looks for it in what is asked. */
function isRevalidated({ method }: Operation, { answers, revalidated = true }: Description): boolean {
  return method === 'GET' && revalidated && answers[200]?.content !== undefined;
}

function unchangedOf(operation: Operation, description: Description): Record<string, Shape> {
  return isRevalidated(operation, description) ? { 304: { $ref: `#/components/responses/${UNCHANGED}` } } : {};
}

function parametersOf(operation: Operation, description: Description): object {
  const { path } = operation;
  const { path: about = {}, query = {}, conditional = false } = description;
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const inPath = Object.fromEntries(names.map((name) => [name, about[name] ?? text()]));
  const parameters = [
    ...parametersIn('path', inPath),
    ...parametersIn('query', query),
    ...(conditional ? CONDITIONS.map((name) => ({ $ref: `#/components/parameters/${name}` })) : []),
    ...(isRevalidated(operation, description) ? [{ $ref: `#/components/parameters/${KNOWN}` }] : []),
  ];
  return parameters.length === 0 ? {} : { parameters };
}

function parametersIn(place: 'path' | 'query', members: Members): object[] {
  return Object.entries(members).map(([name, { description, ...schema }]) => ({
    name: name.replace(/\?$/, ''),
    in: place,
    ...(!name.endsWith('?') && { required: true }),
    ...(description !== undefined && { description }),
    schema,
  }));
}

function knownParameter(): object {
  const description = 'The `ETag` of an answer that came before: 304, without a body, where it still holds.';
  return { name: 'If-None-Match', in: 'header', description, schema: text() };
}

function conditionOf(name: string): object {
  const description =
    name === 'If-Match'
      ? 'The `ETag` of what is to be changed; 412 when there is another by now.'
      : '`*`: only when there is none yet.';
  return { name, in: 'header', description, schema: text() };
}

function bodyOf({ body }: Description): object {
  if (body === undefined) return {};
  const { content, needed = false, example } = body;
  const [first] = Object.keys(content);
  const shown = Object.entries(content).map(([type, schema]) => [
    type,
    { schema, ...(type === first && example !== undefined && { example }) },
  ]);
  return { requestBody: { ...(needed && { required: true }), content: Object.fromEntries(shown) as object } };
}

function responsesOf({ answers }: Description, problems: ReturnType<typeof problemsOf>): object {
  const refused = [...problems].map(([status, codes]): [string, Shape] => [
    String(status),
    { $ref: `#/components/responses/${nameOfProblems(codes)}` },
  ]);
  const said = Object.entries(answers).map(([status, answer]): [string, Shape] => {
    const codes = problems.get(Number(status));
    return [status, responseOf(answer, codes === undefined ? {} : (problemResponse(codes)['content'] as Contents))];
  });
  return Object.fromEntries([...refused, ...said, ['default', { $ref: '#/components/responses/other' }]]);
}

/** `problems`: what else may come with this status. */
function responseOf({ says, content, fields = [] }: Answer, problems: Contents): Shape {
  const contents = Object.entries(content ?? {}).map(([type, schema]) => [type, { schema }]);
  const all = { ...(Object.fromEntries(contents) as object), ...problems };
  return {
    description: says,
    ...(fields.length > 0 && {
      headers: Object.fromEntries(fields.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    }),
    ...(Object.keys(all).length > 0 && { content: all }),
  };
}
