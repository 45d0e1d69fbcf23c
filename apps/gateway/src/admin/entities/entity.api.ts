import { ENTITY_KINDS, type EntityKind, entityNoun, entitySchema } from '#config';
import { answer, type Chapter, type Description, json } from '../openapi/description.js';
import { anything, type Members, named, oneOf, page, type Shape, text } from '../openapi/shapes.js';
import { DRY_RUN, PAGE } from '../paging.api.js';
import { FILTERS } from './filters.js';

interface Words {
  /** The name of its schemas. */
  readonly type: string;
  readonly title: string;
  readonly about: string;
  readonly example: Readonly<Record<string, unknown>>;
  readonly patch: Readonly<Record<string, unknown>>;
}

const WORDS: Readonly<Record<EntityKind, Words>> = {
  routes: {
    type: 'Route',
    title: 'Routes',
    about: 'Which requests go where.',
    example: { name: 'users', path: '/api/users', upstream: 'http://127.0.0.1:3001' },
    patch: { timeout: '5s' },
  },
  upstreams: {
    type: 'Upstream',
    title: 'Upstreams',
    about: 'Where requests are answered.',
    example: { name: 'users', targets: ['http://127.0.0.1:3001'] },
    patch: { balance: 'least-requests' },
  },
  consumers: {
    type: 'Consumer',
    title: 'Consumers',
    about: 'Who may call.',
    example: { name: 'mobile-app', roles: ['user'], plan: 'gold' },
    patch: { plan: null },
  },
  'rate-limit-rules': {
    type: 'RateLimitRule',
    title: 'Rate-limit rules',
    about: 'How often who may call.',
    example: { name: 'search', path: '/api/search/*', limit: 100, window: '1m', key: ['consumer'] },
    patch: { limit: 200 },
  },
  'ip-rules': {
    type: 'IpRule',
    title: 'IP rules',
    about: 'Which addresses are let in, beside `gateway.ip`.',
    example: { name: 'abusers', deny: ['203.0.113.0/24'] },
    patch: { deny: ['203.0.113.0/24', '198.51.100.7'] },
  },
  roles: {
    type: 'Role',
    title: 'Roles',
    about: 'What their holders may do.',
    example: { name: 'analyst', permissions: ['read:metrics'] },
    patch: { inherits: ['viewer'] },
  },
  alerts: {
    type: 'Alert',
    title: 'Alerts',
    about: 'When somebody should be told.',
    example: { name: 'high-error-rate', metric: 'error-rate', above: '5%', for: '2m' },
    patch: { severity: 'critical' },
  },
};

const SOURCE = oneOf(['file', 'api'], 'Where it comes from; what the file declares is read-only here.');

/** As it may be sent, as it is answered, and as it may be changed: what it is made of is said once, by the schema of the file. */
function schemasOf(kind: EntityKind): [string, Shape][] {
  const { type } = WORDS[kind];
  const {
    properties,
    required = [],
    ...rest
  } = entitySchema(kind) as {
    readonly properties: Members;
    readonly required?: readonly string[];
  };
  const fields = { ...properties, source: SOURCE };
  const needed = required.filter((name) => name !== 'name');
  const patch = Object.entries(fields).map(([name, { description }]) => [name, anything(String(description))]);
  const shown = {
    type: 'object',
    properties: { name: { type: 'string' }, source: SOURCE },
    required: ['name', 'source'],
  };
  return [
    [`${type}Body`, { ...rest, properties: fields, ...(needed.length > 0 && { required: needed }) }],
    [type, { allOf: [named(`${type}Body`), shown] }],
    [`${type}Patch`, { type: 'object', properties: Object.fromEntries(patch), additionalProperties: false }],
  ];
}

export function entitySchemas(): Readonly<Record<string, Shape>> {
  return Object.fromEntries(ENTITY_KINDS.flatMap(schemasOf));
}

function chapterOf(kind: EntityKind): Chapter {
  const { type, title, about, example, patch } = WORDS[kind];
  const noun = entityNoun(kind);
  const a = `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`;
  const body = named(`${type}Body`);
  // Where the name can be derived it may be left out.
  const hasName = kind === 'routes' || kind === 'rate-limit-rules';
  const madeFrom = hasName ? body : { allOf: [body, { type: 'object', required: ['name'] }] };
  const path = { name: text(`Of the ${noun}.`) };
  const filters = Object.keys(FILTERS[kind]).map((name) => [`${name}?`, text('A value, or a pattern with `*`.')]);
  const one = named(type);
  const { name: _, ...spec } = example;
  const writing = { query: DRY_RUN, conditional: true } as const;
  const refused = ['declared_in_file', 'precondition_failed', 'overloaded'] as const;
  const operations: Readonly<Record<string, Description>> = {
    [`GET /api/admin/${kind}`]: {
      summary: `List ${title.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())}`,
      more: 'Those of the file and those of the database, by name. Filters take a value, or a pattern with `*`.',
      query: { ...PAGE, ...(Object.fromEntries(filters) as Members) },
      answers: { 200: answer('One page.', page(one)) },
    },
    [`POST /api/admin/${kind}`]: {
      summary: `Make ${a}`,
      ...(hasName && { more: 'Without a `name` it gets one that is derived from its path.' }),
      ...writing,
      body: { content: json(madeFrom), needed: true, example },
      answers: {
        200: answer('With `dryRun`: it could be made.', one, ['ETag']),
        201: answer('It is made, and served everywhere within two seconds.', one, ['ETag', 'Location']),
      },
      problems: ['already_exists', ...refused],
    },
    [`GET /api/admin/${kind}/:name`]: {
      summary: `Show ${a}`,
      path,
      answers: { 200: answer('As it was written, secrets masked.', one, ['ETag']) },
      problems: ['not_found'],
    },
    [`PUT /api/admin/${kind}/:name`]: {
      summary: `Make or replace ${a}`,
      more: 'The same again changes nothing.',
      path,
      ...writing,
      body: { content: json(body), needed: true, example: spec },
      answers: {
        200: answer('It is replaced, or is as it was.', one, ['ETag']),
        201: answer('It is made.', one, ['ETag', 'Location']),
      },
      problems: refused,
    },
    [`PATCH /api/admin/${kind}/:name`]: {
      summary: `Change ${a}`,
      more: 'JSON Merge Patch (RFC 7396): what is said is changed, what is `null` is taken away.',
      path,
      ...writing,
      body: {
        content: { 'application/merge-patch+json': named(`${type}Patch`), 'application/json': named(`${type}Patch`) },
        needed: true,
        example: patch,
      },
      answers: { 200: answer('It is changed.', one, ['ETag']) },
      problems: ['not_found', ...refused],
    },
    [`DELETE /api/admin/${kind}/:name`]: {
      summary: `Delete ${a}`,
      ...(kind === 'consumers' && { more: 'With its keys.' }),
      path,
      ...writing,
      answers: { 204: answer('It is gone, or with `dryRun` could be.') },
      problems: ['not_found', 'in_use', ...refused],
    },
  };
  return { title, about, operations };
}

export function entityChapters(): readonly Chapter[] {
  return ENTITY_KINDS.map(chapterOf);
}
