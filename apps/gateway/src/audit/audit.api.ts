import { membersOf } from '../admin/openapi/shape-of-class.js';
import { AuditPageQuery, AuditQuery, VerifyQuery } from './audit-query.js';
import { answer, type Chapter } from '../admin/openapi/description.js';
import {
  anything,
  map,
  named,
  oneOf,
  orNull,
  page,
  type Shape,
  text,
  time,
  whole,
  yesOrNo,
} from '../admin/openapi/shapes.js';

const ABOUT = {
  actor: 'The name of a consumer.',
  entity: '`routes/users`, or `routes` for all of them.',
  from: 'Such as 2026-01-31 or 2026-01-31T12:00:00Z.',
  to: 'The same.',
};
const PAGE_ABOUT = { ...ABOUT, cursor: 'What `nextCursor` of the page before says.', limit: 'How many at most.' };

export const AUDIT_SCHEMAS: Readonly<Record<string, Shape>> = {
  AuditEntry: map({
    seq: whole('Its number in the chain.'),
    at: time(),
    actor: orNull(text('The name of the consumer; null: nobody that is known.')),
    credential: orNull(text('Names the credential without being one.')),
    clientIp: orNull(text()),
    userAgent: orNull(text()),
    operation: text('Such as `PUT /api/admin/routes/:name`.'),
    entity: orNull(text('Such as `routes/users`.')),
    before: anything('As it was, secrets masked.'),
    after: anything('As it is, secrets masked.'),
    outcome: oneOf(['done', 'refused', 'failed']),
    status: orNull(whole('Of the answer.')),
    requestId: orNull(text()),
    hash: text('Of this entry and the hash before it.', { pattern: '^[0-9a-f]{64}$' }),
  }),
  AuditVerification: map({
    ok: yesOrNo(),
    checked: whole('How many entries.'),
    after: whole('The last entry that retention took away; 0: none.'),
    head: map({ seq: whole(), hash: text() }, 'Keep it elsewhere, and ask with `expect` later.'),
    brokenAt: orNull(map({ seq: whole(), reason: text() })),
  }),
};

export const AUDIT_CHAPTER: Chapter = {
  title: 'Audit log',
  about: 'Who did what, and whether all of it is still as it was written.',
  operations: {
    'GET /api/admin/audit': {
      summary: 'Entries, the newest first',
      query: membersOf(AuditPageQuery, PAGE_ABOUT),
      answers: { 200: answer('One page.', page(named('AuditEntry'))) },
    },
    'GET /api/admin/audit/export': {
      summary: 'All entries that fit, the oldest first',
      query: membersOf(AuditQuery, ABOUT),
      revalidated: false,
      answers: {
        200: {
          says: 'One entry a line.',
          content: { 'application/x-ndjson': text('Lines, each an AuditEntry as JSON.') },
          fields: ['Content-Disposition'],
        },
      },
    },
    'GET /api/admin/audit/verify': {
      summary: 'Whether the chain holds',
      query: membersOf(VerifyQuery, { expect: '`SEQ:HASH` as `head` of an earlier answer names them.' }),
      answers: { 200: answer('Whether it holds, or where it breaks.', named('AuditVerification')) },
    },
  },
};
