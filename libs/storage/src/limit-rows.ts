import { type DataSource } from 'typeorm';

/** What one rule said to one key within a second: so many requests, and what was left after the last of them. */
export interface LimitRow {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly key: string;
  readonly rule: string;
  readonly allowed: boolean;
  readonly shadow: boolean;
  readonly remaining: number;
  readonly limit: number;
  readonly requests: number;
}

export interface LimitQuestion {
  readonly from: Date;
  readonly to: Date;
  /** Milliseconds. */
  readonly step: number;
  /** null: any. */
  readonly rule: string | null;
  readonly key: string | null;
}

export interface LimitCounts {
  readonly checked: number;
  readonly rejected: number;
  readonly shadowRejected: number;
}

export interface LimitAnswer {
  /** Steps that have rows, by the start of the step; the others are empty. */
  readonly series: readonly (LimitCounts & { readonly t: number })[];
  /** Most refused first. */
  readonly keys: readonly {
    readonly key: string;
    readonly rule: string;
    readonly checked: number;
    readonly rejected: number;
  }[];
}

const MOST_KEYS = 100;
const COUNTS = `sum(requests)::float8 AS checked,
  coalesce(sum(requests) FILTER (WHERE NOT allowed AND NOT shadow), 0)::float8 AS rejected,
  coalesce(sum(requests) FILTER (WHERE NOT allowed AND shadow), 0)::float8 AS "shadowRejected"`;
const WHERE = `FROM rate_limit_metrics WHERE timestamp >= $1 AND timestamp < $2
  AND ($3::text IS NULL OR rule = $3) AND ($4::text IS NULL OR key = $4)`;

/** The table `rate_limit_metrics`. */
export class LimitRows {
  constructor(private readonly dataSource: DataSource) {}

  async insert(rows: readonly LimitRow[]): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO rate_limit_metrics (timestamp, key, rule, allowed, shadow, remaining, limit_value, requests)
       SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::boolean[], $5::boolean[], $6::bigint[], $7::bigint[], $8::int[])`,
      [
        rows.map(({ timestamp }) => new Date(timestamp).toISOString()),
        rows.map(({ key }) => key),
        rows.map(({ rule }) => rule),
        rows.map(({ allowed }) => allowed),
        rows.map(({ shadow }) => shadow),
        rows.map(({ remaining }) => Math.floor(remaining)),
        rows.map(({ limit }) => limit),
        rows.map(({ requests }) => requests),
      ],
    );
  }

  async usage({ from, to, step, rule, key }: LimitQuestion): Promise<LimitAnswer> {
    const asked = [from, to, rule, key];
    const [series, keys] = await Promise.all([
      this.dataSource.query<(LimitCounts & { t: number })[]>(
        `SELECT (floor(extract(epoch FROM timestamp) * 1000 / $5) * $5)::float8 AS t, ${COUNTS} ${WHERE} GROUP BY 1 ORDER BY 1`,
        [...asked, step],
      ),
      this.dataSource.query<LimitAnswer['keys']>(
        `SELECT key, rule, ${COUNTS} ${WHERE} GROUP BY key, rule ORDER BY rejected DESC, checked DESC, key LIMIT ${MOST_KEYS}`,
        asked,
      ),
    ]);
    return { series, keys: keys.map(({ key, rule, checked, rejected }) => ({ key, rule, checked, rejected })) };
  }

  async removeBefore(time: Date): Promise<void> {
    await this.dataSource.query('DELETE FROM rate_limit_metrics WHERE timestamp < $1', [time]);
  }
}
