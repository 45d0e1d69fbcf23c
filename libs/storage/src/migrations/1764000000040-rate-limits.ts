import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class RateLimits1764000000040 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE rate_limit_quotas (
        rule text NOT NULL,
        key text NOT NULL,
        starts_at timestamptz NOT NULL,
        used double precision NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (rule, key, starts_at)
      )`);
    await runner.query(`
      CREATE TABLE rate_limit_metrics (
        timestamp timestamptz NOT NULL,
        key text NOT NULL,
        rule text NOT NULL,
        allowed boolean NOT NULL,
        remaining bigint NOT NULL,
        limit_value bigint NOT NULL,
        shadow boolean NOT NULL,
        requests integer NOT NULL
      )`);
    await runner.query('CREATE INDEX rate_limit_metrics_by_time ON rate_limit_metrics (timestamp)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE rate_limit_metrics');
    await runner.query('DROP TABLE rate_limit_quotas');
  }
}
