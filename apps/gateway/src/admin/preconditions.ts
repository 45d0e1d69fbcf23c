import { type Request } from 'express';
import { Refusal } from '#kernel';

/** What a writer expects to find (RFC 9110, section 13). */
export interface Preconditions {
  readonly match: string | null;
  readonly noneMatch: string | null;
}

export function preconditionsOf(req: Request): Preconditions {
  return { match: req.get('if-match') ?? null, noneMatch: req.get('if-none-match') ?? null };
}

/** `etag`: of what is there now; null: nothing is. */
export function checkPreconditions({ match, noneMatch }: Preconditions, etag: string | null): void {
  if (match !== null && !listed(match, etag)) {
    throw etag === null
      ? refused('If-Match names a version, but there is nothing of this name any more.')
      : refused(
          'If-Match names another version than the one that there is now: read it again, and send the ETag that comes along.',
          { ETag: etag },
        );
  }
  if (noneMatch !== null && listed(noneMatch, etag)) {
    throw refused(
      noneMatch.trim() === '*'
        ? 'If-None-Match: * asks for a new one, but there is one.'
        : 'If-None-Match names what there is.',
      etag === null ? undefined : { ETag: etag },
    );
  }
}

/** Strong comparison: a weak tag never matches. */
function listed(header: string, etag: string | null): boolean {
  if (etag === null) return false;
  return header.trim() === '*' || header.split(',').some((each) => each.trim() === etag);
}

function refused(detail: string, headers?: Readonly<Record<string, string>>): Refusal {
  return new Refusal('precondition_failed', detail, headers);
}
