import { Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';

const ONE_NAME = { message: ({ property }: { property: string }): string => `${property} is one name` };
/** PostgreSQL has no text with a NUL. */
const NAME = /^[^\0]+$/;
export const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whose sessions. */
export class WhoseQuery {
  @IsOptional()
  @Matches(NAME, ONE_NAME)
  consumer: string | undefined = undefined;

  @IsOptional()
  @Matches(NAME, ONE_NAME)
  user: string | undefined = undefined;
}

/** Which of them on one page. */
export class SessionsQuery extends WhoseQuery {
  @IsOptional()
  @Matches(SESSION_ID, { message: 'cursor is what nextCursor of the page before says' })
  cursor: string | undefined = undefined;

  @IsOptional()
  @Type(() => Number)
  @IsInt({ message: 'limit is a whole number' })
  @Min(1, { message: 'limit is at least 1' })
  @Max(1000, { message: 'limit is at most 1000' })
  limit = 100;
}
