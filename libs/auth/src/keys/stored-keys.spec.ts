import { describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { type Principal, Refusal } from '#kernel';
import { FakeClock } from '#testing';
import { type KeysRead, type SharedKeys, type StoredKey, StoredKeys } from './stored-keys.js';

/** A database whose answers are given by hand, or at once. */
class Database {
  readonly keys = new Map<string, StoredKey>();
  readonly questions: (readonly string[])[] = [];
  epoch = 'first';
  state: 'there' | 'away' | 'silent' = 'there';
  private released: () => void = () => undefined;
  private held: Promise<void> | null = null;

  readonly read = async (hashes: readonly string[]): Promise<KeysRead> => {
    this.questions.push(hashes);
    if (this.held !== null) await this.held;
    if (this.state === 'away') throw new Error('connection refused');
    if (this.state === 'silent') await new Promise(() => undefined);
    return {
      epoch: this.epoch,
      keys: hashes.map((hash) => this.keys.get(hash)).filter((key) => key !== undefined),
    };
  };

  /** As the triggers do. */
  revoke(hash: string): void {
    this.keys.delete(hash);
    this.epoch = `after ${hash}`;
  }

  hold(): void {
    this.held = new Promise((resolve) => (this.released = resolve));
  }

  release(): void {
    this.held = null;
    this.released();
  }
}

/** As Redis does for those who know the epoch. */
class Shared implements SharedKeys {
  readonly kept = new Map<string, StoredKey & { epoch: string }>();
  readonly questions: (readonly string[])[] = [];

  find(hashes: readonly string[], epoch: string): Promise<readonly StoredKey[]> {
    this.questions.push(hashes);
    const found = hashes.map((hash) => this.kept.get(hash)).filter((key) => key?.epoch === epoch);
    return Promise.resolve(found.filter((key) => key !== undefined));
  }

  keep(keys: readonly StoredKey[], epoch: string): void {
    for (const key of keys) this.kept.set(key.hash, { ...key, epoch });
  }

  close(): void {
    this.kept.clear();
  }
}

function principal(consumer: string): Principal {
  return { consumer, id: '', roles: [], scopes: [], plan: null, credential: '', user: null, claims: {} };
}

function setUp(...names: string[]): { database: Database; clock: FakeClock; stored: StoredKeys } {
  const database = new Database();
  for (const name of names) database.keys.set(name, { hash: name, principal: principal(name), expiresAt: Infinity });
  const clock = new FakeClock();
  return { database, clock, stored: new StoredKeys(database.read, clock) };
}

function setUpTwo(...names: string[]) {
  const { database, clock } = setUp(...names);
  const shared = new Shared();
  const [one, other] = [new StoredKeys(database.read, clock, shared), new StoredKeys(database.read, clock, shared)];
  const confirm = (): void => {
    for (const each of [one, other]) each.confirm(database.epoch, clock.monotonic());
  };
  confirm();
  return { database, clock, shared, one, other, confirm };
}

async function codeOf(answer: () => unknown): Promise<unknown> {
  try {
    await answer();
    return 'answered';
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.code : thrown;
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

describe('a key that was found', () => {
  it('is answered at once for a while, then while it is read again, and waits for that after two seconds', async () => {
    const { database, clock, stored } = setUp('a');
    expect(await stored.find('a')).toMatchObject({ consumer: 'a' });
    clock.advance(1_499);
    expect(stored.find('a')).toMatchObject({ consumer: 'a' });
    expect(database.questions).toHaveLength(1);
    clock.advance(1);
    expect(stored.find('a')).toMatchObject({ consumer: 'a' });
    await settled();
    expect(database.questions).toHaveLength(2);
    clock.advance(2_000);
    expect(stored.find('a')).toBeInstanceOf(Promise);
  });

  it('is nobody’s two seconds after it was revoked, whatever the traffic', async () => {
    for (const step of [50, 700, 1_000, 1_999, 5_000]) {
      const { database, clock, stored } = setUp('a');
      await stored.find('a');
      database.keys.delete('a');
      for (let elapsed = 0; elapsed < 2_000; elapsed += step) {
        clock.advance(step);
        await stored.find('a');
        await settled();
      }
      expect(await stored.find('a')).toBeNull();
    }
  });

  it('ends to the millisecond when it expires', async () => {
    const { database, clock, stored } = setUp();
    database.keys.set('a', { hash: 'a', principal: principal('a'), expiresAt: clock.now() + 500 });
    expect(await stored.find('a')).toMatchObject({ consumer: 'a' });
    clock.advance(499);
    expect(stored.find('a')).toMatchObject({ consumer: 'a' });
    clock.advance(1);
    expect(await stored.find('a')).toBeNull();
  });

  it('is asked for like one that nobody knows when it has expired: its refusal takes as long', async () => {
    const { database, clock, stored } = setUp();
    database.keys.set('a', { hash: 'a', principal: principal('a'), expiresAt: clock.now() + 500 });
    await stored.find('a');
    clock.advance(500);
    database.keys.clear();
    for (const hash of ['a', 'unknown']) expect(await stored.find(hash)).toBeNull();
    expect(database.questions.slice(1)).toEqual([['a'], ['unknown']]);
  });
});

describe('the epoch of the keys', () => {
  it('keeps what was read true while it is the same, but for one question in ten minutes', async () => {
    const { database, clock, stored } = setUp('a');
    await stored.find('a');
    for (let second = 0; second < 599; second++) {
      clock.advance(1_000);
      stored.confirm('first', clock.monotonic());
      expect(stored.find('a')).toMatchObject({ consumer: 'a' });
    }
    expect(database.questions).toHaveLength(1);
    clock.advance(1_000);
    stored.confirm('first', clock.monotonic());
    expect(stored.find('a')).toMatchObject({ consumer: 'a' });
    await settled();
    expect(database.questions).toHaveLength(2);
  });

  it('is asked for with one key when it was not heard in time, not with all that are in use', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const { database, clock, stored } = setUp(...names);
    await Promise.all(names.map(async (name) => await stored.find(name)));
    const before = database.questions.length;
    clock.advance(1_600);
    for (const name of names) expect(stored.find(name)).toMatchObject({ consumer: name });
    await settled();
    expect(database.questions.slice(before)).toEqual([['a']]);
    clock.advance(1_000);
    for (const name of names) expect(stored.find(name)).toMatchObject({ consumer: name });
    await settled();
    expect(database.questions).toHaveLength(before + 1);
  });

  it('ends what was read two seconds before it or more when it is another', async () => {
    const { database, clock, stored } = setUp('a', 'b');
    await Promise.all([stored.find('a'), stored.find('b')]);
    clock.advance(2_000);
    stored.confirm('first', clock.monotonic());
    database.revoke('a');
    expect(stored.find('a')).toMatchObject({ consumer: 'a' });
    stored.confirm(database.epoch, clock.monotonic());
    expect(await stored.find('a')).toBeNull();
    expect(await stored.find('b')).toMatchObject({ consumer: 'b' });
    expect(stored.find('b')).toMatchObject({ consumer: 'b' });
  });

  it('is also learned from a key that is read', async () => {
    const { database, clock, stored } = setUp('a', 'b');
    await stored.find('a');
    clock.advance(2_000);
    stored.confirm('first', clock.monotonic());
    database.revoke('a');
    await stored.find('b');
    expect(await stored.find('a')).toBeNull();
  });

  it('that is another all the time makes nobody wait who is known', async () => {
    const { database, clock, stored } = setUp('a');
    await stored.find('a');
    for (let change = 0; change < 100; change++) {
      database.epoch = `after ${change}`;
      clock.advance(100);
      stored.confirm(database.epoch, clock.monotonic());
      expect(stored.find('a')).toMatchObject({ consumer: 'a' });
      await settled();
    }
  });

  it('of an answer that was late does not count', async () => {
    const { database, clock, stored } = setUp('a');
    const before = clock.monotonic();
    clock.advance(10);
    database.epoch = 'second';
    await stored.find('a');
    stored.confirm('first', before);
    expect(stored.find('a')).toMatchObject({ consumer: 'a' });
  });
});

describe('keys that are shared', () => {
  it('are read from the database by one instance, and found by the other', async () => {
    const { database, one, other } = setUpTwo('a');
    expect(await one.find('a')).toMatchObject({ consumer: 'a' });
    expect(await other.find('a')).toMatchObject({ consumer: 'a' });
    expect(other.find('a')).toMatchObject({ consumer: 'a' });
    expect(database.questions).toHaveLength(1);
  });

  it('are not asked for where they are known', async () => {
    const { shared, one, clock, confirm } = setUpTwo('a');
    await one.find('a');
    clock.advance(1_600);
    expect(one.find('a')).toMatchObject({ consumer: 'a' });
    await settled();
    clock.advance(60_000);
    confirm();
    await one.find('a');
    expect(shared.questions).toEqual([['a']]);
  });

  it('count no more when one was revoked, on neither instance', async () => {
    const { database, one, other, clock, confirm } = setUpTwo('a', 'b');
    await Promise.all([one.find('a'), one.find('b')]);
    clock.advance(2_000);
    confirm();
    database.revoke('a');
    confirm();
    for (const each of [one, other]) {
      expect(await each.find('a')).toBeNull();
      expect(await each.find('b')).toMatchObject({ consumer: 'b' });
    }
  });

  it('are asked of the database when the epoch was not heard for two seconds', async () => {
    const { database, one, other, clock } = setUpTwo('a');
    await one.find('a');
    database.revoke('a');
    clock.advance(2_000);
    expect(await other.find('a')).toBeNull();
  });

  it('are good for an instance that never saw them while the database is away, and for five minutes only', async () => {
    const { database, one, other, clock } = setUpTwo('a', 'b');
    await Promise.all([one.find('a'), one.find('b')]);
    database.state = 'away';
    clock.advance(10_000);
    expect(await codeOf(() => other.find('unknown'))).toBe('store_unavailable');
    // Also while it is not asked again.
    expect(await other.find('a')).toMatchObject({ consumer: 'a' });
    clock.advance(290_000);
    expect(await codeOf(() => other.find('b'))).toBe('store_unavailable');
    expect(await codeOf(() => other.find('a'))).toBe('store_unavailable');
  });

  it('are never taken by an instance that has not heard the epoch', async () => {
    const { database, one, shared, clock } = setUpTwo('a');
    await one.find('a');
    database.state = 'away';
    const fresh = new StoredKeys(database.read, clock, shared);
    expect(await codeOf(() => fresh.find('a'))).toBe('store_unavailable');
  });
});

describe('questions', () => {
  it('that come while one is under way are one question, each key once', async () => {
    const { database, stored } = setUp('a', 'b');
    database.hold();
    const answers = ['a', 'a', 'b', 'c', 'b', 'c'].map(async (hash) => await stored.find(hash));
    database.release();
    expect((await Promise.all(answers)).map((found) => found?.consumer)).toEqual([
      'a',
      'a',
      'b',
      undefined,
      'b',
      undefined,
    ]);
    expect(database.questions).toEqual([['a'], ['b', 'c']]);
  });

  it('are not remembered for keys that there are not', async () => {
    const { database, stored } = setUp();
    expect(await stored.find('a')).toBeNull();
    database.keys.set('a', { hash: 'a', principal: principal('a'), expiresAt: Infinity });
    expect(await stored.find('a')).toMatchObject({ consumer: 'a' });
  });

  it('do not pile up: a thousand wait, more are refused', async () => {
    const { database, stored } = setUp();
    database.hold();
    const answers = Array.from({ length: 1_001 }, async (_, n) => await stored.find(String(n)));
    expect(await codeOf(() => stored.find('one more'))).toBe('store_unavailable');
    database.release();
    expect(await Promise.all(answers)).toEqual(answers.map(() => null));
  });
});

describe('a database that is away', () => {
  it('makes nobody wrong, and is asked once a second', async () => {
    const { database, clock, stored } = setUp('a');
    database.state = 'away';
    for (let request = 0; request < 10; request++) {
      expect(await codeOf(() => stored.find('a'))).toBe('store_unavailable');
    }
    expect(database.questions).toHaveLength(1);
    clock.advance(1_000);
    database.state = 'there';
    expect(await stored.find('a')).toMatchObject({ consumer: 'a' });
  });

  it('leaves keys that were good as they were for five minutes, without waiting after the first', async () => {
    const { database, clock, stored } = setUp('a');
    await stored.find('a');
    database.state = 'away';
    clock.advance(10_000);
    expect(await stored.find('a')).toMatchObject({ consumer: 'a' });
    for (let second = 10; second < 299; second++) {
      clock.advance(1_000);
      expect(stored.find('a')).toMatchObject({ consumer: 'a' });
      await settled();
    }
    clock.advance(1_000);
    expect(await codeOf(() => stored.find('a'))).toBe('store_unavailable');
  });

  it('is heard when it comes back with a revocation', async () => {
    const { database, clock, stored } = setUp('a');
    await stored.find('a');
    database.state = 'away';
    clock.advance(10_000);
    await stored.find('a');
    database.state = 'there';
    database.keys.clear();
    clock.advance(1_000);
    await stored.find('a');
    await settled();
    expect(await stored.find('a')).toBeNull();
  });

  it('that says nothing is given up, and does not take all connections', async () => {
    const { database, clock, stored } = setUp('a');
    database.state = 'silent';
    for (let attempt = 0; attempt < 5; attempt++) {
      expect(await codeOf(() => stored.find('a'))).toBe('store_unavailable');
      clock.advance(1_000);
    }
    expect(database.questions).toHaveLength(3);
  });
});
