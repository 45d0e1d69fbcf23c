import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** For how long a key was made, which its end does not say any more once another has taken its place. */
export class KeyLifetimes1764000000080 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE credentials ADD COLUMN lifetime interval');
    await runner.query('UPDATE credentials SET lifetime = expires_at - created_at WHERE expires_at IS NOT NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE credentials DROP COLUMN lifetime');
  }
}
