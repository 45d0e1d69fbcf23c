import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Tokens that Aegis gave: access, refresh, and sessions of people. Of each only the SHA-256 is kept. */
export class IssuedTokens1764000000030 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE issued_tokens (
        id uuid PRIMARY KEY,
        hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
        kind text NOT NULL CHECK (kind IN ('access', 'refresh', 'session')),
        family uuid NOT NULL,
        consumer text NOT NULL,
        consumer_id uuid REFERENCES consumers ON DELETE CASCADE,
        credential text NOT NULL,
        credential_id uuid REFERENCES credentials ON DELETE CASCADE,
        roles text[],
        scopes text[] NOT NULL DEFAULT '{}',
        user_name text,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz
      )`);
    await runner.query('CREATE INDEX issued_tokens_by_family ON issued_tokens (family)');
    await runner.query('CREATE INDEX issued_tokens_by_end ON issued_tokens (expires_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE issued_tokens');
  }
}
