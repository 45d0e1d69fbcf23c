import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPostgres, type TestDatabase } from '#testing';
import { aegis } from './run-cli.js';

describe('aegis migrate', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    const postgres = await startPostgres();
    database = await postgres.createDatabase();
  });

  afterAll(async () => {
    await database.drop();
  });

  it('says what ran, and that nothing had to the second time', async () => {
    const env = { DATABASE_URL: database.url };
    const first = await aegis(['migrate'], { env });
    const second = await aegis(['migrate'], { env });

    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.stdout).toMatch(/^\d+ migrations? ran:\n {2}\w+/);
    expect(second.stdout).toContain('up to date already');
  });

  it('exits with 3 when the database cannot be reached, in one line without the password', async () => {
    const env = { DATABASE_URL: 'postgres://aegis:hunter2hunter2@127.0.0.1:1/aegis' };
    const [migrate, keys] = await Promise.all([
      aegis(['migrate'], { env }),
      aegis(['keys', 'create', '--admin'], { env }),
    ]);

    expect([migrate.code, keys.code]).toEqual([3, 3]);
    expect(migrate.stderr).toContain('cannot be reached');
    expect(migrate.stderr + keys.stderr).not.toContain('hunter2');
    expect(migrate.stderr.trim().split('\n')).toHaveLength(1);
  });
});
