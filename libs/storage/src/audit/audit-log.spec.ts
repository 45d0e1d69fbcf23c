import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type DataSource } from 'typeorm';
import { startPostgres, type TestDatabase } from '#testing';
import { Storage } from '../storage.js';
import { AuditLog } from './audit-log.js';
import { type AuditEntry } from './entry.js';

const ignore = (): void => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;

let database: TestDatabase;
let storage: Storage;
let source: DataSource;
let audit: AuditLog;

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  storage = await Storage.open({ url: database.url, pool: 10, dataDir: '', tls: null }, log);
  source = storage.dataSource;
  audit = new AuditLog(source);
});

beforeEach(async () => {
  await source.query('TRUNCATE audit_log, audit_anchor');
});

afterAll(async () => {
  await storage.close();
  await database.drop();
});

function entry(fields: Partial<AuditEntry> = {}): AuditEntry {
  return {
    at: new Date(START),
    actor: 'alice',
    credential: null,
    clientIp: '192.0.2.1',
    userAgent: 'curl/8',
    operation: 'PUT /api/admin/routes/:name',
    entity: 'routes/users',
    before: null,
    after: { path: '/users' },
    outcome: 'done',
    status: 200,
    requestId: 'r1',
    ...fields,
  };
}

async function write(n: number, from = START, step = 1000): Promise<void> {
  await audit.write(
    Array.from({ length: n }, (_, i) => entry({ at: new Date(from + i * step), requestId: `r${i + 1}` })),
  );
}

describe('the chain', () => {
  it('holds, whatever was written and whoever wrote it at the same time', async () => {
    const logs = Array.from({ length: 8 }, () => new AuditLog(source));
    await Promise.all(logs.flatMap((each) => [each.write([entry(), entry({ actor: null })]), each.write([entry()])]));
    const verification = await audit.verify();
    expect(verification).toMatchObject({ ok: true, checked: 24, after: 0, head: { seq: 24 }, brokenAt: null });
  });

  it('holds over every value that JSON and headers can have', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue(),
        fc.jsonValue(),
        fc.string({ unit: 'binary' }),
        async (before, after, userAgent) => {
          await audit.write([entry({ before, after, userAgent, actor: userAgent })]);
        },
      ),
      { numRuns: 150 },
    );
    expect(await audit.verify()).toMatchObject({ ok: true, brokenAt: null });
  });

  it.each([
    ['the actor', `UPDATE audit_log SET actor = 'mallory' WHERE seq = 3`, 3],
    ['the time', `UPDATE audit_log SET at = at + interval '1 millisecond' WHERE seq = 3`, 3],
    ['what it was after', `UPDATE audit_log SET after = '{"path":"/other"}' WHERE seq = 3`, 3],
    ['a null into a text', `UPDATE audit_log SET credential = '' WHERE seq = 3`, 3],
    ['a hash', `UPDATE audit_log SET hash = sha256('x') WHERE seq = 3`, 3],
    ['that it is there', 'DELETE FROM audit_log WHERE seq = 3', 3],
    ['that the first is there', 'DELETE FROM audit_log WHERE seq = 1', 1],
    ['the order', 'UPDATE audit_log SET seq = CASE seq WHEN 3 THEN 104 ELSE 103 END WHERE seq IN (3, 4)', 3],
  ])('shows where somebody changed %s', async (_, sql, seq) => {
    await write(5);
    await source.query(sql);
    expect(await audit.verify()).toMatchObject({ ok: false, brokenAt: { seq } });
  });

  it('shows to whoever kept its head that its end was cut off', async () => {
    await write(5);
    const { head } = await audit.verify();
    await source.query('DELETE FROM audit_log WHERE seq > 3');
    expect([await audit.verify(), await audit.hashAt(head.seq)]).toMatchObject([{ ok: true }, null]);
  });
});

describe('an entry', () => {
  it('has no secret of what it tells', async () => {
    const secrets = {
      password: 'hush-1',
      clientSecret: 'hush-2',
      nested: [{ apiKeys: [{ hash: 'hush-3' }], key: 'hush-4' }],
      tls: { key: 'hush-5', cert: 'shown' },
      headers: { set: { Authorization: 'hush-6', 'x-api-key': 'hush-7' } },
      secrets: ['hush-8', 'hush-9'],
      url: 'https://somebody:hush-10@example.com/path',
      rule: { key: ['ip', 'header:x-tenant'], name: 'shown' },
    };
    await audit.write([entry({ before: secrets, after: { token: 12345 } })]);
    const [written] = await audit.list({}, 1);
    const text = JSON.stringify(written);
    expect(text).not.toMatch(/hush|12345/);
    expect(written?.before).toMatchObject({
      tls: { cert: 'shown' },
      rule: { key: ['ip', 'header:x-tenant'], name: 'shown' },
      url: 'https://somebody:(masked)@example.com/path',
    });
  });

  it('is not larger than it may be', async () => {
    await audit.write([entry({ after: { text: 'x'.repeat(1024 * 1024) }, userAgent: 'x'.repeat(100_000) })]);
    const [written] = await audit.list({}, 1);
    expect(JSON.stringify(written).length).toBeLessThan(10_000);
    expect(await audit.verify()).toMatchObject({ ok: true });
  });

  it('is there exactly when the change in its transaction is', async () => {
    await source
      .transaction(async (manager) => {
        await audit.append(manager, [entry()]);
        throw new Error('the change failed');
      })
      .catch(ignore);
    expect(await audit.list({}, 10)).toEqual([]);
  });
});

describe('the list', () => {
  it('is by actor, entity and time, newest first, page by page', async () => {
    await audit.write([
      entry({ actor: 'bob', entity: 'routes/a' }),
      entry({ entity: 'routes/b' }),
      entry({ entity: 'routes-of-another-kind/b' }),
      entry({ entity: 'upstreams/b', at: new Date(START + DAY) }),
    ]);
    const seqs = async (...args: Parameters<AuditLog['list']>): Promise<number[]> =>
      (await audit.list(...args)).map(({ seq }) => seq);
    expect([
      await seqs({}, 3),
      await seqs({ before: 2 }, 3),
      await seqs({ actor: 'bob' }, 10),
      await seqs({ entity: 'routes' }, 10),
      await seqs({ entity: 'routes/b' }, 10),
      await seqs({ from: new Date(START + 1) }, 10),
      await seqs({ to: new Date(START + DAY) }, 10),
    ]).toEqual([[4, 3, 2], [1], [1], [2, 1], [2], [4], [3, 2, 1]]);
  });

  it('can be had whole, oldest first', async () => {
    await write(2500);
    const seqs: number[] = [];
    for await (const page of audit.pages({})) seqs.push(...page.map(({ seq }) => seq));
    expect(seqs).toEqual(Array.from({ length: 2500 }, (_, i) => i + 1));
  });
});

describe('retention', () => {
  it('takes away what is old, and the chain holds from there', async () => {
    await write(10, START, DAY);
    expect(await audit.forget(new Date(START + 4 * DAY), new Date(START + 20 * DAY))).toBe(4);
    expect(await audit.verify()).toMatchObject({ ok: true, after: 4, checked: 7, head: { seq: 11 } });
    expect(await audit.forget(new Date(START + 4 * DAY), new Date(START + 20 * DAY))).toBe(0);
    await write(1, START + 21 * DAY);
    expect(await audit.forget(new Date(START + 30 * DAY), new Date(START + 40 * DAY))).toBe(8);
    expect(await audit.verify()).toMatchObject({ ok: true, after: 12, checked: 1, head: { seq: 13 } });
  });

  it.each([
    ['moves the beginning', 'DELETE FROM audit_log WHERE seq <= 6; UPDATE audit_anchor SET seq = 6'],
    ['takes the beginning away', 'DELETE FROM audit_anchor'],
    [
      'makes one up',
      `DELETE FROM audit_log WHERE seq <= 6; DELETE FROM audit_anchor; INSERT INTO audit_anchor (seq, hash) SELECT 6, sha256('x')`,
    ],
  ])('shows when somebody %s', async (_, sql) => {
    await write(10, START, DAY);
    await audit.forget(new Date(START + 4 * DAY), new Date(START + 20 * DAY));
    expect(await audit.verify()).toMatchObject({ ok: true });
    await source.query(sql);
    expect(await audit.verify()).toMatchObject({ ok: false });
  });
});
