import { describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { type Principal, Refusal } from '#kernel';
import { FakeClock } from '#testing';
import { type StoredKey, StoredKeys } from './stored-keys.js';

/** A database whose answers are given by hand, or at once. */
class Database {
  readonly keys = new Map<string, StoredKey>();
  readonly questions: (readonly string[])[] = [];
  state: 'there' | 'away' | 'silent' = 'there';
  private released: () => void = () => undefined;
  private held: Promise<void> | null = null;

  readonly read = async (hashes: readonly string[]): Promise<readonly StoredKey[]> => {
    this.questions.push(hashes);
    if (this.held !== null) await this.held;
    if (this.state === 'away') throw new Error('connection refused');
    if (this.state === 'silent') await new Promise(() => undefined);
    return hashes.map((hash) => this.keys.get(hash)).filter((key) => key !== undefined);
  };

  hold(): void {
    this.held = new Promise((resolve) => (this.released = resolve));
  }

  release(): void {
    this.held = null;
    this.released();
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
  it('is answered at once for a second, then while it is read again, and waits for that after two', async () => {
    const { database, clock, stored } = setUp('a');
    expect(await stored.find('a')).toMatchObject({ consumer: 'a' });
    clock.advance(999);
    expect(stored.find('a')).toMatchObject({ consumer: 'a' });
    expect(database.questions).toHaveLength(1);
    clock.advance(1);
    expect(stored.find('a')).toMatchObject({ consumer: 'a' });
    expect(database.questions).toHaveLength(2);
    await settled();
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
    expect(stored.find('a')).toBeNull();
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
