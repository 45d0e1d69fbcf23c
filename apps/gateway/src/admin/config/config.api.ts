import { answer, type Chapter, type Contents } from '../openapi/description.js';
import { membersOf } from '../openapi/shape-of-class.js';
import { list, map, named, oneOf, page, type Shape, text, time, whole, yesOrNo } from '../openapi/shapes.js';
import { DRY_RUN, PAGE } from '../paging.api.js';
import { FormatQuery, RollbackBody } from './config.controller.js';

const plan = {
  version: whole('Of what the database has, after it.'),
  dryRun: yesOrNo(),
  created: list(text(), 'Such as `routes/users`.'),
  updated: list(text()),
  deleted: list(text()),
  unchanged: whole('How many stay as they are.'),
};

const version = (change: Readonly<Record<string, Shape>>): Shape =>
  map({
    version: whole(),
    at: time(),
    actor: text(),
    action: text(),
    changes: list(
      map({ kind: text(), name: text(), what: oneOf(['created', 'updated', 'deleted']), ...change }),
      'What it changed.',
    ),
  });

const spec = (description: string): Shape => ({ type: ['object', 'null'], description });

export const CONFIG_SCHEMAS: Readonly<Record<string, Shape>> = {
  Configuration: {
    type: 'object',
    description: 'In the shape of the configuration file; its schema is `config/aegis.schema.json`.',
    additionalProperties: true,
  },
  Plan: map(plan),
  Version: version({}),
  WholeVersion: version({ before: spec('As it was, secrets masked.'), after: spec('As it was then, secrets masked.') }),
};

const yaml = text('The same as YAML.');
const document: Contents = { 'application/json': named('Configuration'), 'application/yaml': yaml };
const example = { gateway: { routes: [{ name: 'users', path: '/api/users', upstream: 'http://127.0.0.1:3001' }] } };

export const CONFIG_CHAPTER: Chapter = {
  title: 'The whole configuration',
  about: 'What runs, what was, and all entities of the database at once.',
  operations: {
    'GET /api/admin/config': {
      summary: 'What runs',
      more: 'Secrets are masked. YAML unless `Accept` or `format` says JSON. It can be put back as it is.',
      query: membersOf(FormatQuery, { format: 'Instead of `Accept`.' }),
      revalidated: false,
      answers: { 200: { says: 'All of it that is not as it would be anyway.', content: document, fields: ['ETag'] } },
    },
    'PUT /api/admin/config': {
      summary: 'Replace all entities of the database',
      more: 'By those of the document, or none when anything is wrong. What it leaves out is deleted, consumers with their keys included: look with `dryRun` first. About settings that no entity stands for, and what the file declares, it may only say what is so already.',
      query: DRY_RUN,
      conditional: true,
      body: { content: document, needed: true, example },
      answers: { 200: answer('It is served, everywhere within two seconds.', named('Plan'), ['ETag']) },
      problems: ['declared_in_file', 'in_use', 'precondition_failed', 'overloaded'],
    },
    'POST /api/admin/config/validate': {
      summary: 'Whether a document could be put, and what it would change',
      body: { content: document, needed: true, example },
      answers: { 200: answer('It could.', map({ valid: oneOf([true]), ...plan })) },
      problems: ['declared_in_file', 'in_use', 'overloaded'],
    },
    'GET /api/admin/config/history': {
      summary: 'The versions, the newest first',
      query: PAGE,
      answers: { 200: answer('One page.', page(named('Version'))) },
    },
    'GET /api/admin/config/history/:version': {
      summary: 'One version, each entity before and after',
      path: { version: whole(undefined, { minimum: 0, maximum: 999_999_999 }) },
      answers: { 200: answer('That version.', named('WholeVersion')) },
      problems: ['not_found', 'validation_failed'],
    },
    'POST /api/admin/config/rollback': {
      summary: 'Have all entities as they were',
      more: 'That is a new version itself. Keys that are gone do not come back.',
      query: DRY_RUN,
      conditional: true,
      body: {
        content: {
          'application/json': map(
            membersOf(RollbackBody, { version: 'One that the history lists; 0 is before all changes.' }),
          ),
        },
        needed: true,
        example: { version: 7 },
      },
      answers: { 200: answer('It is served, everywhere within two seconds.', named('Plan')) },
      problems: ['not_found', 'in_use', 'precondition_failed', 'overloaded'],
    },
  },
};
