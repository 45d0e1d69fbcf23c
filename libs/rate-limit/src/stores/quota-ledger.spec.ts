import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { QuotaRows, Storage } from '#storage';
import { FakeClock, limitRule, startPostgres, type TestDatabase } from '#testing';
import { type Rule } from '../rules/rule.js';
import { compileRule } from '../rules/rule-set.js';
import { Check } from './check.js';
import { MemoryStore } from './memory-store.js';
import { QuotaLedger, type QuotaRows as Rows } from './quota-ledger.js';

const DAY = 86_400_000;
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let database: TestDatabase;
let storage: Storage;

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  storage = await Storage.open({ url: database.url, pool: 4, dataDir: '', tls: null }, silent);
});

afterAll(async () => {
  await storage.close();
  await database.drop();
});

afterEach(async () => {
  await storage.dataSource.query('DELETE FROM rate_limit_quotas');
});

const daily = compileRule(
  limitRule({ name: 'daily', algorithm: 'fixed-window', limit: 10, window: DAY, period: 'day' }),
  0,
);
const monthly = compileRule(
  limitRule({ name: 'monthly', algorithm: 'fixed-window', limit: 100, window: 31 * DAY, period: 'month' }),
  1,
);
const rules = new Map([daily, monthly].map((rule) => [rule.name, rule]));

/** A gateway that counts for itself, as far as quotas go. */
class Instance {
  readonly memory: MemoryStore;
  readonly ledger: QuotaLedger;

  constructor(
    readonly clock = new FakeClock(Date.UTC(2099, 0, 15, 12)),
    rows: Rows = new QuotaRows(storage.dataSource),
  ) {
    this.memory = new MemoryStore(clock);
    this.ledger = new QuotaLedger({
      rows,
      memory: this.memory,
      rules: () => rules,
      now: () => clock.now(),
      every: 1e9,
    });
  }

  static async started(clock?: FakeClock): Promise<Instance> {
    const instance = new Instance(clock);
    await instance.ledger.onModuleInit();
    return instance;
  }

  spend(rule: Rule, times: number, key = 'consumer=acme'): number {
    let remaining = 0;
    for (let index = 0; index < times; index++) {
      const check = new Check(rule, key, 1, 1);
      this.memory.check([check]);
      remaining = check.remaining;
    }
    return remaining;
  }

  left(rule: Rule, key = 'consumer=acme'): number {
    const check = new Check(rule, key, 0, 0);
    this.memory.check([check]);
    return check.remaining;
  }
}

describe('quotas that a process counts itself', () => {
  it('are all there after a clean restart', async () => {
    const before = await Instance.started();
    before.spend(daily, 3);
    before.spend(monthly, 7);
    before.spend(monthly, 2, 'ip=192.0.2.1');
    await before.ledger.onApplicationShutdown();
    const after = await Instance.started();
    expect([after.left(daily), after.left(monthly), after.left(monthly, 'ip=192.0.2.1')]).toEqual([7, 93, 98]);
  });

  it('lose with a process that dies what was spent since the last write, and nothing else', async () => {
    const dies = await Instance.started();
    dies.spend(daily, 4);
    await dies.ledger.write();
    dies.spend(daily, 2);
    const after = await Instance.started();
    expect(after.left(daily)).toBe(6);
  });

  it('begin anew with their period: the day, the month, whatever its length', async () => {
    const clock = new FakeClock(Date.UTC(2099, 1, 27, 23, 59));
    const before = await Instance.started(clock);
    before.spend(daily, 3);
    before.spend(monthly, 5);
    await before.ledger.write();
    clock.advance(60_000);
    const nextDay = await Instance.started(clock);
    expect([nextDay.left(daily), nextDay.left(monthly)]).toEqual([10, 95]);
    clock.advance(DAY);
    const nextMonth = await Instance.started(clock);
    expect([nextMonth.left(daily), nextMonth.left(monthly)]).toEqual([10, 100]);
    expect(before.left(monthly)).toBe(100);
  });

  it('are known to the other instances on the same database after their next write', async () => {
    const [one, two] = [await Instance.started(), await Instance.started()];
    one.spend(monthly, 30);
    two.spend(monthly, 20);
    await one.ledger.write();
    await two.ledger.write();
    expect(two.left(monthly)).toBe(50);
    one.spend(monthly, 1);
    await one.ledger.write();
    expect(one.left(monthly)).toBe(49);
  });

  it('keep what was spent while it was being written', async () => {
    const rows = new QuotaRows(storage.dataSource);
    let spendMore = (): void => undefined;
    const instance = new Instance(undefined, {
      load: () => Promise.resolve([]),
      add: async (uses) => {
        const sums = await rows.add(uses);
        spendMore();
        return sums;
      },
      remove: () => Promise.resolve(),
    });
    spendMore = () => void instance.spend(daily, 2);
    instance.spend(daily, 3);
    await instance.ledger.write();
    expect(instance.left(daily)).toBe(5);
    spendMore = () => undefined;
    await instance.ledger.write();
    expect(instance.left(daily)).toBe(5);
    expect((await Instance.started()).left(daily)).toBe(5);
  });

  it('are enforced while the database is away, and written when it is back', async () => {
    const rows = new QuotaRows(storage.dataSource);
    let away = true;
    const instance = new Instance(undefined, {
      load: () => Promise.resolve([]),
      add: (uses) => (away ? Promise.reject(new Error('away')) : rows.add(uses)),
      remove: () => Promise.resolve(),
    });
    for (let round = 0; round < 3; round++) {
      instance.spend(daily, 2);
      await instance.ledger.write();
    }
    expect(instance.left(daily)).toBe(4);
    away = false;
    await instance.ledger.write();
    expect(instance.left(daily)).toBe(4);
    expect((await Instance.started()).left(daily)).toBe(4);
  });

  it('can be reset, in the process and in the database', async () => {
    const instance = await Instance.started();
    instance.spend(daily, 4);
    await instance.ledger.write();
    instance.spend(daily, 4);
    instance.memory.forget(new Check(daily, 'consumer=acme', 0, 0));
    await instance.ledger.forget(daily, 'consumer=acme');
    expect(instance.left(daily)).toBe(10);
    await instance.ledger.write();
    expect((await Instance.started()).left(daily)).toBe(10);
  });
});
