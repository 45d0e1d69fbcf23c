import { type DataSource } from 'typeorm';

/** What one key has used of a quota in one period. */
export interface QuotaRow {
  readonly rule: string;
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly startsAt: number;
  readonly used: number;
}

/** Longer than the longest period. */
const KEPT = '62 days';

/** Quotas of the calendar, for instances that do not count them in Redis. */
export class QuotaRows {
  constructor(private readonly dataSource: DataSource) {}

  /** Of the periods that began since then, the ones used last; forgets those that nobody can ask for any more. */
  async load(since: number, most: number): Promise<QuotaRow[]> {
    await this.dataSource.query(`DELETE FROM rate_limit_quotas WHERE starts_at < now() - $1::interval`, [KEPT]);
    return await this.dataSource.query<QuotaRow[]>(
      `SELECT rule, key, (extract(epoch FROM starts_at) * 1000)::float8 AS "startsAt", used
       FROM rate_limit_quotas WHERE starts_at >= $1 ORDER BY updated_at DESC LIMIT $2`,
      [new Date(since), most],
    );
  }

  /** Adds what was used, and answers what that makes with what everybody else added. */
  async add(rows: readonly QuotaRow[]): Promise<QuotaRow[]> {
    return await this.dataSource.query<QuotaRow[]>(
      // In one order, so that instances that write at the same time cannot wait for each other in a circle.
      `INSERT INTO rate_limit_quotas (rule, key, starts_at, used)
       SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::float8[]) ORDER BY 1, 2, 3
       ON CONFLICT (rule, key, starts_at) DO UPDATE SET used = rate_limit_quotas.used + excluded.used, updated_at = now()
       RETURNING rule, key, (extract(epoch FROM starts_at) * 1000)::float8 AS "startsAt", used`,
      [
        rows.map(({ rule }) => rule),
        rows.map(({ key }) => key),
        rows.map(({ startsAt }) => new Date(startsAt).toISOString()),
        rows.map(({ used }) => used),
      ],
    );
  }

  async remove(rule: string, key: string): Promise<void> {
    await this.dataSource.query('DELETE FROM rate_limit_quotas WHERE rule = $1 AND key = $2', [rule, key]);
  }
}
