import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { freshened, isUnchanged } from './conditional.js';
import { decodeResponse, encodeResponse } from './encoded-response.js';
import { variantOf } from './key.js';
import { selectingNames } from './storable.js';
import { type StoredResponse } from './stored-response.js';
import { termsOf } from './terms.js';

const NOW = Date.UTC(2026, 10, 21);
const latin1 = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) });
const field = fc.tuple(fc.constantFrom('ETag', 'X-One', 'Vary', 'Date'), latin1);
const stored: fc.Arbitrary<StoredResponse> = fc
  .record({ status: fc.integer({ min: 200, max: 599 }), reason: latin1, list: fc.array(field), body: fc.uint8Array() })
  .map(({ status, reason, list, body }) => {
    const fields = list.flat();
    const terms = termsOf({ status, fields, requestedAt: NOW, receivedAt: NOW }, { ttl: 9, staleWhileRevalidate: 0 });
    return { method: 'GET', status, reason, fields, body: Buffer.from(body), receivedAt: NOW, terms };
  });

describe('an answer in Redis', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(stored, (response) => {
        expect(decodeResponse(encodeResponse(response, NOW + 1), NOW)).toEqual(response);
      }),
    );
  });

  it('does not come back when it is of no use any more', () => {
    fc.assert(fc.property(stored, (response) => decodeResponse(encodeResponse(response, NOW), NOW) === null));
  });

  it('is nothing when it is anything else', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeResponse(Buffer.from(bytes), NOW) === null));
    fc.assert(
      fc.property(stored, fc.nat(), (response, at) => {
        const whole = encodeResponse(response, NOW + 1);
        const cut = whole.subarray(0, at % (whole.length - response.body.length));
        return decodeResponse(cut, NOW) === null;
      }),
    );
  });
});

describe('a condition', () => {
  const tag = fc
    .string({ unit: fc.constantFrom('a', 'b', ',', ' ', '\\', '/', 'W'), maxLength: 5 })
    .map((text) => `"${text.replaceAll(' ', '')}"`);
  const response = (etag: string): StoredResponse => ({
    method: 'GET',
    status: 200,
    reason: '',
    fields: ['ETag', etag],
    body: Buffer.alloc(0),
    receivedAt: NOW,
    terms: termsOf({ status: 200, fields: [], requestedAt: NOW, receivedAt: NOW }, { ttl: 9, staleWhileRevalidate: 0 }),
  });

  it('is met exactly by a list that has the tag, weak or strong', () => {
    const weak = fc.constantFrom('', 'W/');
    fc.assert(
      fc.property(fc.array(fc.tuple(weak, tag), { minLength: 1 }), weak, tag, (list, prefix, own) => {
        const text = list.map(([mark, each]) => mark + each).join(', ');
        return isUnchanged({ 'if-none-match': text }, response(prefix + own)) === list.some(([, each]) => each === own);
      }),
    );
  });
});

describe('what a 304 says', () => {
  it('takes the place of what was said before, and nothing is there twice that was there once', () => {
    const lists = fc.array(fc.tuple(fc.constantFrom('A', 'B', 'C', 'Content-Type'), fc.constantFrom('1', '2')), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(lists, lists, (before, news) => {
        const fields = freshened(before.flat(), news.flat(), 'now') ?? [];
        for (const name of ['A', 'B', 'C', 'Content-Type']) {
          const of = (list: (readonly [string, string])[]): string[] =>
            list.filter(([each]) => each === name).map(([, value]) => value);
          const wanted = name === 'Content-Type' || of(news).length === 0 ? of(before) : of(news);
          const got = fields.flatMap((each, i) => (i % 2 === 0 && each === name ? [fields[i + 1]] : []));
          expect(got).toEqual(wanted);
        }
      }),
    );
  });
});

describe('a variant', () => {
  const raw = fc.array(fc.tuple(fc.constantFrom('X-A', 'x-b', 'X-a', 'other'), fc.string({ maxLength: 3 })), {
    maxLength: 5,
  });

  it('is the same exactly for requests that have the same values', () => {
    const values = (list: (readonly [string, string])[], name: string): string[] =>
      list.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
    fc.assert(
      fc.property(raw, raw, (one, other) => {
        const names = ['x-a', 'x-b'];
        const same = names.every((name) => values(one, name).join() === values(other, name).join());
        const alike = variantOf('GET', names, one.flat()) === variantOf('GET', names, other.flat());
        // No line at all and one that is empty may be told apart.
        const lines = names.every((name) => values(one, name).length === values(other, name).length);
        return same && lines ? alike : same || !alike;
      }),
    );
  });

  it('is told by names that are sorted, each once, and not too many', () => {
    expect(selectingNames(['Vary', 'B, a', 'vary', 'A, Host'], ['z'])).toEqual(['a', 'b', 'z']);
    expect(selectingNames(['Vary', '*'], [])).toBeNull();
    expect(selectingNames(['Content-Encoding', 'gzip'], [])).toEqual(['accept-encoding']);
  });
});
