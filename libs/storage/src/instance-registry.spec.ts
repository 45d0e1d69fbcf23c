import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock, startPostgres, type TestDatabase } from '#testing';
import { InstanceRegistry } from './instance-registry.js';
import { Storage } from './storage.js';

const ignore = (): void => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const serving = { version: '1.2.3', configVersion: 4, configHash: 'abc' };

let database: TestDatabase;
let storage: Storage;

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
  storage = await Storage.open({ url: database.url, pool: 4, dataDir: '', tls: null }, log);
});

beforeEach(async () => {
  await storage.dataSource.query('TRUNCATE instances');
});

afterAll(async () => {
  await storage.close();
  await database.drop();
});

const registry = (): InstanceRegistry => new InstanceRegistry(storage.dataSource, new FakeClock());

describe('the registry of instances', () => {
  it('knows who runs and what they serve', async () => {
    const one = registry();
    await one.heartbeat(serving);
    await one.heartbeat({ ...serving, configVersion: 5, configHash: 'def' });
    await registry().heartbeat(serving);
    const all = await one.list();
    expect(all).toHaveLength(2);
    expect(all[0]).toMatchObject({
      id: one.id,
      pid: process.pid,
      version: '1.2.3',
      configVersion: 5,
      configHash: 'def',
    });
    expect(all[0]?.seenAt.getTime()).toBeGreaterThanOrEqual(all[0]?.startedAt.getTime() ?? Infinity);
  });

  it('counts only those that were seen lately', async () => {
    const [one, other] = [registry(), registry()];
    await one.heartbeat(serving);
    await other.heartbeat(serving);
    expect(await one.liveCount(15_000)).toBe(2);
    await age(other.id, '20 seconds');
    expect(await one.liveCount(15_000)).toBe(1);
    await other.heartbeat(serving);
    expect(await one.liveCount(15_000)).toBe(2);
  });

  it('forgets one that leaves, and in time one that was killed', async () => {
    const [one, left, killed] = [registry(), registry(), registry()];
    for (const each of [one, left, killed]) await each.heartbeat(serving);
    await left.remove();
    await age(killed.id, '2 hours');
    await one.heartbeat(serving);
    expect((await one.list()).map(({ id }) => id)).toEqual([one.id]);
  });

  it('does not queue heartbeats behind one that gets no answer', async () => {
    const one = registry();
    await one.heartbeat(serving);
    const lock = storage.dataSource.createQueryRunner();
    await lock.startTransaction();
    await lock.query('LOCK TABLE instances');
    const waiting = one.heartbeat(serving);
    await expect(one.heartbeat(serving)).rejects.toThrow('has not answered the last heartbeat yet');
    await lock.rollbackTransaction();
    await lock.release();
    await waiting;
    await one.heartbeat(serving);
  });
});

async function age(id: string, by: string): Promise<void> {
  await storage.dataSource.query('UPDATE instances SET seen_at = seen_at - $2::interval WHERE id = $1', [id, by]);
}
