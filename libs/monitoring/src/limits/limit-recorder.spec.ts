import { describe, expect, it } from '@jest/globals';
import { RequestRecord } from '../recorder/request-record.js';
import { LimitRecorder, type LimitRecorderOptions, type LimitRecorderSettings } from './limit-recorder.js';

type Row = Parameters<LimitRecorderOptions['insert']>[0][number];

function recording(settings: Partial<LimitRecorderSettings> = {}) {
  const rows: Row[] = [];
  const warnings: string[] = [];
  const database = { away: false };
  const removed: Date[] = [];
  const recorder = new LimitRecorder({
    insert: (added) => {
      if (database.away) return Promise.reject(new Error('away'));
      rows.push(...added);
      return Promise.resolve();
    },
    removeBefore: (time) => {
      removed.push(time);
      return Promise.resolve();
    },
    settings: () => ({
      enabled: true,
      anonymizeIp: false,
      flush: 10_000,
      batch: 1000,
      retentionDays: 30,
      ...settings,
    }),
    now: () => Date.UTC(2026, 0, 31),
    warn: (message) => warnings.push(message),
  });
  const use = (key: string, allowed = true, time = 5_500): void => {
    const limits = [{ rule: { name: 'a', shadow: false }, key, allowed, limit: 10, remaining: 3 }];
    recorder.read([Object.assign(new RequestRecord(), { time, limits })], 1);
  };
  return { recorder, rows, warnings, database, removed, use };
}

const sum = (rows: readonly Row[]): number => rows.reduce((total, { requests }) => total + requests, 0);

describe('the rows of the limits', () => {
  it('are one for each second, key and verdict', async () => {
    const { recorder, rows, use } = recording();
    use('ip=192.0.2.1');
    use('ip=192.0.2.1', true, 5_900);
    use('ip=192.0.2.1', false);
    use('ip=192.0.2.1', true, 6_000);
    await recorder.flush();
    const row = { key: 'ip=192.0.2.1', rule: 'a', shadow: false, limit: 10, remaining: 3 };
    expect(rows).toEqual([
      { ...row, timestamp: 5_000, allowed: true, requests: 2 },
      { ...row, timestamp: 5_000, allowed: false, requests: 1 },
      { ...row, timestamp: 6_000, allowed: true, requests: 1 },
    ]);
  });

  it('hold no whole address where those are not to be stored', async () => {
    const { recorder, rows, use } = recording({ anonymizeIp: true });
    use('consumer=acme,ip=192.0.2.77');
    use('ip=2001:db8:1:2::/64');
    await recorder.flush();
    expect(rows.map(({ key }) => key)).toEqual(['consumer=acme,ip=192.0.2.0', 'ip=2001:db8:1::']);
  });

  it('stay bounded under a flood of keys, and lose no request of the sums', async () => {
    const { recorder, rows, use } = recording();
    for (let index = 0; index < 60_000; index++) use(`ip=${index}`);
    await recorder.flush();
    expect(rows.length).toBeLessThanOrEqual(50_001);
    expect(sum(rows)).toBe(60_000);
    expect(rows.at(-1)).toMatchObject({ key: '(others)', requests: 10_000 });
  });

  it('wait while the database is away, and say so once', async () => {
    const { recorder, rows, warnings, database, use } = recording();
    database.away = true;
    for (let index = 0; index < 10; index++) {
      use(`ip=${index}`);
      await recorder.flush();
    }
    expect(warnings).toHaveLength(1);
    database.away = false;
    await recorder.flush();
    expect(rows.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, index) => `ip=${index}`));
    expect(warnings).toEqual([
      expect.stringContaining('cannot be written'),
      expect.stringContaining('written again; 0'),
    ]);
  });

  it('that are too many while the database is away are lost from the oldest on, and the log tells how many', async () => {
    const { recorder, rows, warnings, database, use } = recording();
    database.away = true;
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 20_000; index++) use(`ip=${index}`, true, round * 1000);
      await recorder.flush();
    }
    database.away = false;
    await recorder.flush();
    expect(rows.length).toBeLessThanOrEqual(50_001);
    const lost = Number(/again; (\d+) rows/.exec(warnings.at(-1) ?? '')?.[1]);
    expect(lost).toBeGreaterThan(0);
    expect(rows.at(-1)?.timestamp).toBe(2000);
  });

  it('are not made where metrics are off, and old ones go', async () => {
    const off = recording({ enabled: false });
    off.use('ip=192.0.2.1');
    await off.recorder.flush();
    expect(off.rows).toEqual([]);
    expect(off.removed).toEqual([new Date(Date.UTC(2026, 0, 1))]);
  });
});
