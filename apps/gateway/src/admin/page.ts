import { Refusal } from '#kernel';
import { type PageQuery } from './query.js';

export interface Page<T> {
  readonly items: readonly T[];
  /** For the next page; null: this is the last. */
  readonly nextCursor: string | null;
}

/** By name, so that a page goes on where the one before ended, whatever came and went in between. */
export function pageOf<T extends { readonly name: string }>(items: readonly T[], page: PageQuery): Page<T> {
  return pageBy(items, ({ name }) => name, page);
}

/** The same by another key that each has for itself. */
export function pageBy<T>(items: readonly T[], keyOf: (item: T) => string, { limit, cursor }: PageQuery): Page<T> {
  const after = cursor === undefined ? null : keyIn(cursor);
  const sorted = items.toSorted((a, b) => compare(keyOf(a), keyOf(b)));
  const rest = after === null ? sorted : sorted.filter((item) => compare(keyOf(item), after) > 0);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const nextCursor = rest.length > limit && last !== undefined ? Buffer.from(keyOf(last)).toString('base64url') : null;
  return { items: page, nextCursor };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function keyIn(cursor: string): string {
  if (/^[\w-]+$/.test(cursor)) return Buffer.from(cursor, 'base64url').toString();
  const message = 'cursor is what nextCursor of the page before says';
  throw new Refusal('validation_failed', `${message}.`, undefined, [{ path: 'cursor', message }]);
}
