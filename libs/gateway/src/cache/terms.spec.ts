import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { directives } from './cache-control.js';
import { currentAge, standsIn, timeLeft, uselessAt, useOf } from './freshness.js';
import { formatHttpDate, parseHttpDate } from './http-date.js';
import { type StoredResponse } from './stored-response.js';
import { termsOf } from './terms.js';

const NOW = Date.UTC(2026, 10, 21);
const ROUTE = { ttl: 30_000, staleWhileRevalidate: 10_000 };

function stored(fields: readonly string[], { took = 0, status = 200, route = ROUTE } = {}): StoredResponse {
  const terms = termsOf({ status, fields, requestedAt: NOW - took, receivedAt: NOW }, route);
  return { method: 'GET', status, reason: '', fields, body: Buffer.alloc(0), receivedAt: NOW, terms };
}

const cc = (value: string, ...more: string[]): StoredResponse => stored(['Cache-Control', value, ...more]);
const use = (response: StoredResponse, after: number, asked = ''): string =>
  useOf(response, directives(asked), NOW + after);

describe('the age of an answer', () => {
  it('is what it says and the time that it took, or how long ago it was made, whichever is more', () => {
    expect(currentAge(stored(['Age', '5'], { took: 1500 }), NOW)).toBe(6500);
    expect(currentAge(stored(['Age', '5', 'Date', formatHttpDate(NOW - 9000)]), NOW + 1000)).toBe(10_000);
    expect(currentAge(stored(['Date', formatHttpDate(NOW + 9000)]), NOW)).toBe(0);
    expect(currentAge(stored(['Age', 'old']), NOW)).toBe(0);
  });

  it('never falls, even when the clock is set back', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: -1e6, max: 1e6 }), fc.nat(1e6), (age, at, later) => {
        const response = stored(['Age', String(age)]);
        return currentAge(response, NOW + at + later) >= currentAge(response, NOW + at);
      }),
    );
  });
});

describe('the use of an answer', () => {
  it('goes from fresh to refresh to stale', () => {
    const response = cc('max-age=60, stale-while-revalidate=20');
    expect([0, 59_999, 60_000, 79_999, 80_000].map((after) => use(response, after))).toEqual([
      'fresh',
      'fresh',
      'refresh',
      'refresh',
      'stale',
    ]);
  });

  it('takes the words of the route where the answer has none', () => {
    expect([29_999, 30_000, 39_999, 40_000].map((after) => use(stored([]), after))).toEqual([
      'fresh',
      'refresh',
      'refresh',
      'stale',
    ]);
  });

  it.each(['must-revalidate', 'proxy-revalidate', 's-maxage=60'])(
    'is never stale on the word of the route against %s',
    (said) => {
      expect(use(cc(`max-age=60, ${said}`), 60_000)).toBe('stale');
      expect(use(cc(`max-age=60, ${said}`), 60_000, 'max-stale')).toBe('stale');
    },
  );

  it('is stale on the word of an upstream that says s-maxage too', () => {
    expect(use(cc('s-maxage=60, stale-while-revalidate=5'), 60_000)).toBe('refresh');
    expect(standsIn(cc('s-maxage=60, stale-if-error=5'), directives(''), NOW + 60_000)).toBe(true);
  });

  it('is never more than the time left allows, whatever is said', () => {
    const seconds = fc.nat(100);
    const said = fc.record({ maxAge: seconds, swr: seconds, age: seconds });
    fc.assert(
      fc.property(said, fc.nat(300_000), ({ maxAge, swr, age }, after) => {
        const response = cc(`max-age=${maxAge}, stale-while-revalidate=${swr}`, 'Age', String(age));
        const left = timeLeft(response, NOW + after);
        const wanted = left > 0 ? 'fresh' : -left < swr * 1000 ? 'refresh' : 'stale';
        return use(response, after) === wanted;
      }),
    );
  });

  it('has an end, after which it is neither served nor asked about', () => {
    const validator = fc.constantFrom([], ['ETag', '"a"']);
    const value = fc.constantFrom(
      'max-age=5',
      'max-age=999999999',
      'no-cache',
      's-maxage=9, stale-if-error=70',
      'public',
    );
    fc.assert(
      fc.property(value, validator, (said, tag) => {
        const response = stored(['Cache-Control', said, ...tag]);
        const end = uselessAt(response) - NOW;
        if (end > 86_400_000 || end < 0) return false;
        const gone = useOf(response, directives(''), NOW + end);
        const capped = end === 86_400_000;
        return capped || (gone === 'stale' && !standsIn(response, directives(''), NOW + end));
      }),
    );
  });
});

describe('Cache-Control', () => {
  it('is read without ever failing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const time = directives(text).time('max-age');
        return time === null || time >= 0;
      }),
    );
  });

  it('does not take what is in quotes for a directive', () => {
    const said = directives('a="no-store, max-age=5", b="x\\"private", max-age=7');
    expect([said.has('no-store'), said.has('private'), said.time('max-age')]).toEqual([false, false, 7000]);
  });

  it('is read in time however it is written', () => {
    const long = 'a="'.repeat(20_000);
    expect(directives(long).has('no-store')).toBe(false);
    expect(directives(`x="${'\\"'.repeat(20_000)}`).has('no-store')).toBe(false);
  });
});

describe('a date', () => {
  it('is read in the form in which it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), (seconds) => {
        return parseHttpDate(formatHttpDate(seconds * 1000), NOW) === seconds * 1000;
      }),
    );
  });

  it.each([
    '',
    '0',
    '-1',
    'now',
    '2026-11-21',
    'Sun, 32 Nov 1994 08:49:37 GMT',
    'Sun, 31 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:49:37 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun, 06 Nov 1994 08:49:37 +0000',
  ])('is not "%s"', (text) => {
    expect(parseHttpDate(text, NOW)).toBeNull();
  });
});
