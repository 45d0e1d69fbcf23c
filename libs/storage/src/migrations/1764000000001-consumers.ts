import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class Consumers1764000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE consumers (
        id uuid PRIMARY KEY,
        name text NOT NULL UNIQUE,
        plan text,
        roles text[] NOT NULL DEFAULT '{}',
        tags jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`
      CREATE TABLE credentials (
        id uuid PRIMARY KEY,
        consumer_id uuid NOT NULL REFERENCES consumers ON DELETE CASCADE,
        kind text NOT NULL,
        name text NOT NULL,
        prefix text NOT NULL,
        hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
        scopes text[] NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used_at timestamptz
      )`);
    await runner.query('CREATE INDEX credentials_by_consumer ON credentials (consumer_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE credentials');
    await runner.query('DROP TABLE consumers');
  }
}
