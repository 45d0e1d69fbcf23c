import { Type } from 'class-transformer';
import { IsInt, IsOptional, Length, Max, Min } from 'class-validator';

const ONCE = { message: ({ property }: { property: string }): string => `${property} is said once, and is not empty` };

/** Of which rule; without it, of all. */
export class RuleQuery {
  @IsOptional()
  @Length(1, 512, ONCE)
  rule: string | undefined = undefined;
}

/** And of whom. */
export class UsageQuery extends RuleQuery {
  @IsOptional()
  @Length(1, 4096, ONCE)
  key: string | undefined = undefined;
}

export class TopQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt({ message: 'limit is a whole number' })
  @Min(1, { message: 'limit is at least 1' })
  @Max(1000, { message: 'limit is at most 1000' })
  limit = 20;
}
