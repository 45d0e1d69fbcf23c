import { Transform, Type } from 'class-transformer';
import { IsDate, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { type AuditFilter } from '#storage';

const CURSOR = { message: 'cursor is what nextCursor of the page before says' };
const dateOf = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? new Date(value) : value;
const notADate = ({ property }: { property: string }): string =>
  `${property} is a date such as 2026-01-31 or 2026-01-31T12:00:00Z`;

/** Which entries of the audit log. */
export class AuditQuery {
  @IsOptional()
  @Matches(/^[^\0]*$/, { message: 'actor is one name' })
  actor: string | undefined = undefined;

  @IsOptional()
  @Matches(/^[^\0]*$/, { message: 'entity is one kind, or a kind and a name: routes or routes/users' })
  entity: string | undefined = undefined;

  @IsOptional()
  @Transform(dateOf)
  @IsDate({ message: notADate })
  from: Date | undefined = undefined;

  @IsOptional()
  @Transform(dateOf)
  @IsDate({ message: notADate })
  to: Date | undefined = undefined;
}

/** Which of them on one page. */
export class AuditPageQuery extends AuditQuery {
  @IsOptional()
  @Matches(/^[1-9]\d{0,14}$/, CURSOR)
  cursor: string | undefined = undefined;

  @IsOptional()
  @Type(() => Number)
  @IsInt({ message: 'limit is a whole number' })
  @Min(1, { message: 'limit is at least 1' })
  @Max(500, { message: 'limit is at most 500' })
  limit = 50;
}

/** How the log ended when somebody looked last. */
export class VerifyQuery {
  @IsOptional()
  @Matches(/^\d{1,15}:[0-9a-f]{64}$/, {
    message: 'expect is written SEQ:HASH, as head of an earlier answer names them',
  })
  expect: string | undefined = undefined;
}

export function filterOf({
  actor,
  entity,
  from,
  to,
  cursor,
}: AuditQuery & { cursor?: string | undefined }): AuditFilter {
  return { actor, entity, from, to, before: cursor === undefined ? undefined : Number(cursor) };
}
