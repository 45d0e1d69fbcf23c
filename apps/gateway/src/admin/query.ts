import 'reflect-metadata';
import { plainToInstance, Transform, Type } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, Length, Max, Min, type ValidationError, validateSync } from 'class-validator';
import { nearest } from '#config';
import { type FieldError, Refusal } from '#kernel';

/** Which part of a list. */
export class PageQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt({ message: 'limit is a whole number' })
  @Min(1, { message: 'limit is at least 1' })
  @Max(1000, { message: 'limit is at most 1000' })
  limit = 100;

  @IsOptional()
  @Length(1, 512, { message: 'cursor is what nextCursor of the page before says' })
  cursor?: string;
}

/** Whether to say what would happen only. */
export class DryRunQuery {
  @IsOptional()
  @Transform(({ value }: { value: unknown }) =>
    value === 'true' || value === '' ? true : value === 'false' ? false : value,
  )
  @IsBoolean({ message: 'dryRun is true or false' })
  dryRun = false;
}

/** Reads plain values into a class that says what may be in it; every mistake is told with its place. */
export function readInto<T extends object>(type: new () => T, plain: object): T {
  const value = plainToInstance(type, plain, { exposeDefaultValues: true });
  const known = Object.keys(new type());
  const errors = validateSync(value, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  if (errors.length === 0) return value;
  const told = errors.flatMap((error) => toldOf(error, known));
  throw new Refusal('validation_failed', `${told.map(({ message }) => message).join('; ')}.`, undefined, told);
}

function toldOf({ property, constraints = {} }: ValidationError, known: readonly string[]): FieldError[] {
  if ('whitelistValidation' in constraints) return [unknownField(property, known)];
  return Object.values(constraints).map((message) => ({ path: property, message }));
}

export function unknownField(name: string, known: readonly string[]): FieldError {
  const near = nearest(name, known);
  const more = near === undefined ? `known: ${known.join(', ')}` : `did you mean ${near}?`;
  return { path: name, message: `unknown field ${JSON.stringify(name)} (${more})` };
}
