import { IsArray, IsISO8601, IsOptional, IsString, Length, Matches } from 'class-validator';
import { DURATION_PATTERN, parseDuration, Refusal } from '#kernel';

/** PostgreSQL has no text with one. */
const NO_NUL = /^[^\0]*$/;
const DURATION = new RegExp(DURATION_PATTERN);
const NEVER = 'never';
const DURATION_OR_NEVER = new RegExp(`^${NEVER}$|${DURATION_PATTERN.source}`);
const NAME = { message: 'name has 1 to 128 characters, none of them a NUL' };
const SCOPES = 'scopes is a list of words';
const SOON = { message: 'expiresIn is a duration such as 90d' };

/** What may be said about a new key. */
export class KeyBody {
  @IsString(NAME)
  @Length(1, 128, NAME)
  @Matches(NO_NUL, NAME)
  name = 'default';

  @IsOptional()
  @Matches(DURATION, SOON)
  expiresIn: string | undefined = undefined;

  @IsOptional()
  @IsISO8601({ strict: true }, { message: 'expiresAt is a time such as 2027-01-31T12:00:00Z' })
  expiresAt: string | undefined = undefined;

  @IsArray({ message: SCOPES })
  @IsString({ each: true, message: SCOPES })
  @Matches(NO_NUL, { each: true, message: SCOPES })
  scopes: string[] = [];
}

/** How one key takes the place of another. */
export class RotationBody {
  @Matches(DURATION, { message: 'overlap is a duration such as 24h: so long both keys work' })
  overlap = '24h';

  @IsOptional()
  @Matches(DURATION_OR_NEVER, { message: 'expiresIn is a duration such as 90d, or never' })
  expiresIn: string | undefined = undefined;
}

/** When the new key of a rotation ends: as is said, or after as long as the old one was made for (milliseconds; null: for ever). */
export function endOfRotated({ expiresIn }: RotationBody, lifetime: number | null): Date | null {
  if (expiresIn === NEVER) return null;
  if (expiresIn !== undefined) return endOf({ expiresIn });
  return lifetime === null ? null : new Date(Date.now() + lifetime);
}

export function endOf({
  expiresIn,
  expiresAt,
}: Pick<KeyBody, 'expiresIn'> & { expiresAt?: string | undefined }): Date | null {
  const now = Date.now();
  if (expiresIn !== undefined && expiresAt !== undefined) {
    throw invalid('expiresAt', 'only one of expiresIn and expiresAt is possible');
  }
  const at =
    expiresAt !== undefined ? Date.parse(expiresAt) : expiresIn === undefined ? null : now + millisecondsOf(expiresIn);
  if (at === null) return null;
  if (!(at > now)) throw invalid(expiresAt === undefined ? 'expiresIn' : 'expiresAt', 'that is over already');
  if (at > FAR)
    throw invalid(expiresAt === undefined ? 'expiresIn' : 'expiresAt', 'that is further away than the year 9999');
  return new Date(at);
}

const FAR = Date.UTC(9999, 11, 31);

export function millisecondsOf(duration: string): number {
  return parseDuration(duration) ?? 0;
}

function invalid(path: string, message: string): Refusal {
  return new Refusal('validation_failed', `${path}: ${message}.`, undefined, [{ path, message }]);
}
