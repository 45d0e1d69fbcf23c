import { membersOf } from './openapi/shape-of-class.js';
import { DryRunQuery, PageQuery } from './query.js';

/** The parameters that operations share. */
export const PAGE = membersOf(PageQuery, {
  limit: 'How many at most.',
  cursor: 'What `nextCursor` of the page before says.',
});

export const DRY_RUN = membersOf(DryRunQuery, { dryRun: 'Only say what would happen.' });
