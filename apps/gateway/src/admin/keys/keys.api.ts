import { answer, type Chapter, json } from '../openapi/description.js';
import { membersOf } from '../openapi/shape-of-class.js';
import { list, map, named, oneOf, orNull, page, type Shape, text, time } from '../openapi/shapes.js';
import { PAGE } from '../paging.api.js';
import { KeyBody, RotationBody } from './key-body.js';

const key = {
  id: text(undefined, { format: 'uuid' }),
  name: text(),
  prefix: text('Enough of its beginning to recognise it by.'),
  scopes: list(text()),
  createdAt: time(),
  expiresAt: orNull(time()),
  lastUsedAt: orNull(time()),
};
const path = { name: text('The consumer.') };
const withId = { ...path, id: text('As the list shows it.') };

export const KEYS_SCHEMAS: Readonly<Record<string, Shape>> = {
  Key: map({
    ...key,
    id: text('A UUID; of a key in the file `declared:` and the beginning of its hash.'),
    prefix: text('Enough of its beginning to recognise it by; of a key in the file, of its hash.'),
    createdAt: orNull(time('Not known of a key in the file.')),
    source: oneOf(['api', 'file']),
  }),
  NewKey: map({ ...key, key: text('The key itself, shown this once.') }),
};

export const KEYS_CHAPTER: Chapter = {
  title: 'Keys of consumers',
  about:
    'A key is shown when it is made, and never again. Keys of consumers that the file declares stand there, as hashes: here they are listed, and made or ended there.',
  operations: {
    'GET /api/admin/consumers/:name/keys': {
      summary: 'The keys of a consumer',
      path,
      query: PAGE,
      answers: { 200: answer('One page, without the secrets.', page(named('Key'))) },
      problems: ['not_found'],
    },
    'POST /api/admin/consumers/:name/keys': {
      summary: 'Make a key',
      path,
      body: {
        content: json(
          map(
            membersOf(KeyBody, {
              name: 'What it is called.',
              expiresIn: 'For how long it is good, such as `90d`; or `expiresAt`.',
              expiresAt: 'Until when it is good, such as `2027-01-31T12:00:00Z`.',
              scopes: 'What it is for.',
            }),
          ),
        ),
        example: { name: 'ci', expiresIn: '90d' },
      },
      answers: { 201: answer('The key, shown this once.', named('NewKey'), ['Location']) },
      problems: ['not_found', 'declared_in_file'],
    },
    'POST /api/admin/consumers/:name/keys/:id/rotate': {
      summary: 'Make a key in place of another',
      more: 'The old one works on for a while, so that nobody has to change at that very moment.',
      path: withId,
      body: {
        content: json(
          map(
            membersOf(RotationBody, {
              overlap: 'So long both work.',
              expiresIn:
                'For how long the new one is good, such as `90d`, or `never`; otherwise for as long as the old one was made for.',
            }),
          ),
        ),
        example: { overlap: '24h' },
      },
      answers: { 201: answer('The new key, shown this once.', named('NewKey'), ['Location']) },
      problems: ['not_found', 'declared_in_file'],
    },
    'DELETE /api/admin/consumers/:name/keys/:id': {
      summary: 'Revoke a key',
      more: 'No instance takes it after two seconds.',
      path: withId,
      answers: { 204: answer('It is revoked.') },
      problems: ['not_found'],
    },
  },
};
