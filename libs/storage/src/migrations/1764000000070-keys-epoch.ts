import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * What was once read of keys and tokens is true for as long as the epoch is the same: whoever ends or changes one, by
 * whatever way, makes another epoch in the same transaction. It begins with a secret of this database, and none comes twice.
 */
export class KeysEpoch1764000000070 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE keys_head (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        epoch text NOT NULL DEFAULT gen_random_uuid()::text
      )`);
    await runner.query('INSERT INTO keys_head DEFAULT VALUES');
    await runner.query(`
      CREATE FUNCTION keys_changed() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE keys_head SET epoch = left(epoch, 36) || '/' || txid_current()
        WHERE epoch <> left(epoch, 36) || '/' || txid_current();
        IF FOUND THEN PERFORM pg_notify('aegis_config', 'keys'); END IF;
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE TRIGGER keys_changed AFTER UPDATE OF consumer_id, kind, hash, scopes, expires_at, revoked_at ON credentials
      FOR EACH STATEMENT EXECUTE FUNCTION keys_changed()`);
    await runner.query(`
      CREATE TRIGGER keys_gone AFTER DELETE ON credentials FOR EACH STATEMENT EXECUTE FUNCTION keys_changed()`);
    await runner.query(`
      CREATE TRIGGER owner_changed AFTER UPDATE OF name, plan, roles ON consumers FOR EACH ROW
      WHEN ((OLD.name, OLD.plan, OLD.roles) IS DISTINCT FROM (NEW.name, NEW.plan, NEW.roles))
      EXECUTE FUNCTION keys_changed()`);
    await runner.query(`
      CREATE TRIGGER tokens_changed AFTER UPDATE ON issued_tokens FOR EACH ROW WHEN (NEW.kind <> 'refresh')
      EXECUTE FUNCTION keys_changed()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER tokens_changed ON issued_tokens');
    await runner.query('DROP TRIGGER owner_changed ON consumers');
    await runner.query('DROP TRIGGER keys_gone ON credentials');
    await runner.query('DROP TRIGGER keys_changed ON credentials');
    await runner.query('DROP FUNCTION keys_changed()');
    await runner.query('DROP TABLE keys_head');
  }
}
