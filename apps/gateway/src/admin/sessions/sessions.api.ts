import { answer, type Chapter } from '../openapi/description.js';
import { membersOf } from '../openapi/shape-of-class.js';
import { list, map, named, oneOf, orNull, page, type Shape, text, time, whole } from '../openapi/shapes.js';
import { SessionsQuery, WhoseQuery } from './sessions-query.js';

const WHOSE = { consumer: 'Of this consumer.', user: 'Of this person, by the subject at the issuer.' };

export const SESSIONS_SCHEMAS: Readonly<Record<string, Shape>> = {
  Session: map({
    id: text(undefined, { format: 'uuid' }),
    kind: oneOf(['browser', 'tokens'], 'A cookie, or the tokens of one grant.'),
    consumer: text(),
    user: orNull(text('The subject at the issuer, where one names a person.')),
    by: oneOf(['issuer', 'key'], 'What was shown to sign in.'),
    roles: orNull(list(text(), 'As the issuer told of them at the sign-in; null: those that the consumer has.')),
    since: time(),
    renewedAt: time('When the newest token was given.'),
    expiresAt: time('Unless it is renewed.'),
  }),
};

export const SESSIONS_CHAPTER: Chapter = {
  title: 'Sessions',
  about:
    'Who is signed in by what Aegis gave: sessions of browsers, and tokens with those that they are renewed with. Keys, and tokens of an issuer, are not sessions.',
  operations: {
    'GET /api/admin/sessions': {
      summary: 'Who is signed in',
      query: membersOf(SessionsQuery, {
        ...WHOSE,
        limit: 'How many at most.',
        cursor: 'What `nextCursor` of the page before says.',
      }),
      answers: { 200: answer('One page, the newest first.', page(named('Session'))) },
    },
    'DELETE /api/admin/sessions/:id': {
      summary: 'End a session',
      more: 'With all tokens of the same grant. No instance takes them after two seconds.',
      path: { id: text('As the list shows it.') },
      answers: { 204: answer('It has ended.') },
      problems: ['not_found'],
    },
    'DELETE /api/admin/sessions': {
      summary: 'End all sessions of somebody',
      more: 'Of a consumer, or of a person at the issuer; one of both has to be said. Whoever may still sign in can do so again: revoke the key, or shut the account at the issuer, before.',
      query: membersOf(WhoseQuery, WHOSE),
      answers: { 200: answer('They have ended.', map({ ended: whole('How many.') })) },
    },
  },
};
