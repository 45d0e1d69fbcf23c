import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class Audit1764000000020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE audit_log (
        seq bigint PRIMARY KEY,
        hash bytea NOT NULL CHECK (octet_length(hash) = 32),
        at timestamptz NOT NULL,
        actor text,
        credential text,
        client_ip text,
        user_agent text,
        operation text NOT NULL,
        entity text,
        before jsonb,
        after jsonb,
        outcome text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
        status integer,
        request_id text
      )`);
    await runner.query('CREATE INDEX audit_log_by_actor ON audit_log (actor, seq)');
    await runner.query('CREATE INDEX audit_log_by_entity ON audit_log (entity, seq)');
    await runner.query('CREATE INDEX audit_log_by_time ON audit_log (at)');
    await runner.query(`CREATE INDEX audit_log_by_retention ON audit_log (seq) WHERE operation = 'audit retention'`);
    await runner.query(`
      CREATE TABLE audit_anchor (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        seq bigint NOT NULL,
        hash bytea NOT NULL CHECK (octet_length(hash) = 32)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit_anchor, audit_log');
  }
}
