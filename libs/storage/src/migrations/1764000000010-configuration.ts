import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class Configuration1764000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE config_entities (
        kind text NOT NULL,
        name text NOT NULL,
        spec json NOT NULL,
        position integer NOT NULL,
        version integer NOT NULL,
        PRIMARY KEY (kind, name)
      )`);
    await runner.query(`
      CREATE TABLE config_head (
        one boolean PRIMARY KEY DEFAULT true CONSTRAINT config_head_one_row CHECK (one),
        version integer NOT NULL
      )`);
    await runner.query('INSERT INTO config_head (version) VALUES (0)');
    await runner.query(`
      CREATE TABLE config_versions (
        version integer PRIMARY KEY,
        made_at timestamptz NOT NULL DEFAULT now(),
        actor text NOT NULL,
        action text NOT NULL,
        changes json NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE config_versions');
    await runner.query('DROP TABLE config_head');
    await runner.query('DROP TABLE config_entities');
  }
}
