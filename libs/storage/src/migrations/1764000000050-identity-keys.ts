import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The keys that tell upstreams who calls. The private half is encrypted where `AEGIS_SECRET_KEY` was set when it was made. */
export class IdentityKeys1764000000050 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE identity_keys (
        kid text PRIMARY KEY,
        jwk jsonb NOT NULL,
        private_key text NOT NULL,
        created_at timestamptz NOT NULL,
        starts_at timestamptz NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE identity_keys');
  }
}
