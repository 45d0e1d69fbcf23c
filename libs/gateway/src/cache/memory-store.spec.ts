import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Found } from './cache-store.js';
import { Invalidations } from './invalidations.js';
import { MemoryStore } from './memory-store.js';
import { type StoredResponse } from './stored-response.js';
import { termsOf } from './terms.js';

const terms = termsOf({ status: 200, fields: [], requestedAt: 0, receivedAt: 0 }, { ttl: 1, staleWhileRevalidate: 0 });

function answer(bytes: number): StoredResponse {
  return { method: 'GET', status: 200, reason: 'OK', fields: [], body: Buffer.alloc(bytes), receivedAt: 0, terms };
}

function put(
  store: MemoryStore,
  key: string,
  { variant = 'g', bytes = 0, names = [] as readonly string[], uselessAt = 10 } = {},
): StoredResponse {
  const stored = answer(bytes);
  store.put({ key, names, variant, stored, askedAt: 0, uselessAt });
  return stored;
}

const get = (store: MemoryStore, key: string, variant = 'g'): Found => store.find(key, () => [variant]);

describe('the memory store', () => {
  it('gives back what was put in, until it is of no use', () => {
    let now = 0;
    const store = new MemoryStore(() => now);
    const stored = put(store, 'a');
    expect(get(store, 'a')).toEqual({ stored, names: [] });
    now = 10;
    expect(get(store, 'a').stored).toBeNull();
    expect(store.bytes).toBe(0);
  });

  it('makes room by what was used longest ago', () => {
    const store = new MemoryStore(() => 0, 3_500);
    put(store, 'a', { bytes: 400 });
    put(store, 'b', { bytes: 400 });
    put(store, 'c', { bytes: 400 });
    get(store, 'a');
    put(store, 'd', { bytes: 400 });
    expect(['a', 'b', 'c', 'd'].map((key) => get(store, key).stored !== null)).toEqual([true, false, true, true]);
  });

  it('forgets the variants when answers begin to differ by something else', () => {
    const store = new MemoryStore(() => 0);
    put(store, 'a', { names: ['x'], variant: 'g1' });
    put(store, 'a', { names: ['y'], variant: 'g2' });
    expect(get(store, 'a', 'g1')).toEqual({ stored: null, names: ['y'] });
  });

  it('never holds more than its bound, nor miscounts, whatever happens', () => {
    const step = fc.record({
      kind: fc.constantFrom('put', 'put', 'put', 'find', 'remove'),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      variant: fc.nat(50).map(String),
      bytes: fc.nat(3000),
      names: fc.constantFrom([], ['x'], ['x', 'y']),
      at: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let now = 0;
        const store = new MemoryStore(() => now, 20_000);
        for (const { kind, key, variant, bytes, names, at } of steps) {
          now = at;
          if (kind === 'put') put(store, key, { variant, bytes, names, uselessAt: at + 5 });
          else if (kind === 'remove') store.remove(key);
          else get(store, key, variant);
          if (store.bytes < 0 || store.bytes > 20_000) return false;
        }
        for (const key of ['a', 'b', 'c', 'd', 'e']) store.remove(key);
        return store.bytes === 0;
      }),
    );
  });
});

describe('invalidations', () => {
  it('overtake what was asked for before, not what is asked for after', () => {
    const invalidations = new Invalidations();
    invalidations.note('a', 5);
    expect([4, 5, 6].map((askedAt) => invalidations.since('a', askedAt))).toEqual([true, true, false]);
    expect(invalidations.since('b', 4)).toBe(false);
  });

  it('are never lost, only blurred, when there are very many', () => {
    const invalidations = new Invalidations();
    for (let i = 0; i < 10_000; i++) invalidations.note(`key-${i}`, i);
    for (const i of [0, 1, 5000, 9999]) expect(invalidations.since(`key-${i}`, i)).toBe(true);
    expect(invalidations.since('key-0', 9_999)).toBe(false);
  });
});
