import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileQuery } from './query.js';

function change(set: Record<string, string>, remove: string[], query: string): string | undefined {
  return compileQuery({ set, remove })?.(query);
}

describe('query changes', () => {
  it('are none when none are configured', () => {
    expect(compileQuery({ set: {}, remove: [] })).toBeNull();
  });

  it.each([
    ['?b=2&a=1', { c: '3' }, [], '?b=2&a=1&c=3'],
    ['?b=2&a=1&b=3', { b: '9' }, [], '?b=9&a=1'],
    ['', { a: '1', b: '2' }, [], '?a=1&b=2'],
    ['?', { a: '1' }, [], '?a=1'],
    ['?a=1&', { b: '2' }, [], '?a=1&b=2'],
    ['?a=1', {}, ['a'], ''],
    ['?a=1&b=2&a', {}, ['a'], '?b=2'],
    ['?a', {}, ['a'], ''],
    ['?%61dmin=1&x=%7e', {}, ['admin'], '?x=%7e'],
    ['?a+b=1&a%20b=2&ab=3', {}, ['a b'], '?ab=3'],
    ['?k=a+b%2fc&&=x&flag', {}, ['other'], '?k=a+b%2fc&&=x&flag'],
    ['?', {}, ['a'], '?'],
    ['', {}, ['a'], ''],
    ['?a=1', { a: 'x y&z=ä' }, [], '?a=x%20y%26z%3D%C3%A4'],
    ['?%C3%A4=1', {}, ['ä'], ''],
    ['?%zz=1&a=2', {}, ['%zz'], '?a=2'],
    ['?a=1', { a: '2' }, ['a'], '?a=2'],
    ['?A=1', {}, ['a'], '?A=1'],
  ])('make of %j with set %j and remove %j: %j', (query, set, remove, result) => {
    expect(change(set as Record<string, string>, remove, query)).toBe(result);
  });

  it('takes any text of the configuration', () => {
    expect(change({ 'a\ud800': '\udfff' }, [], '')).toBe('?a%EF%BF%BD=%EF%BF%BD');
  });

  const names = fc.constantFrom('a', 'b', 'a b', 'ä', 'c[]', '%');
  const written = names.chain((name) =>
    fc.constantFrom(
      encodeURIComponent(name),
      encodeURIComponent(name).replaceAll('%20', '+'),
      [...Buffer.from(name)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    ),
  );
  const piece = fc.tuple(written, fc.constantFrom('', '=', '=1', '=%41+b', '==')).map(([name, rest]) => name + rest);

  it('leave every parameter that is not named as it was, byte for byte and in its order', () => {
    fc.assert(
      fc.property(fc.array(piece), fc.dictionary(names, fc.string()), fc.uniqueArray(names), (pieces, set, remove) => {
        const query = pieces.length === 0 ? '' : `?${pieces.join('&')}`;
        const result = change(set, remove, query) ?? query;
        const named = new Set([...Object.keys(set), ...remove]);
        const untouched = (text: string): string[] =>
          text
            .slice(1)
            .split('&')
            .filter((one) => one !== '' && !named.has([...new URLSearchParams(`?${one}`).keys()][0] ?? ''));
        expect(untouched(result)).toEqual(untouched(query));
      }),
    );
  });

  it('leave exactly what was set under each name that is named', () => {
    fc.assert(
      fc.property(
        fc.array(piece),
        fc.dictionary(names, fc.string({ unit: 'binary' })),
        fc.uniqueArray(names),
        (pieces, set, remove) => {
          const query = pieces.length === 0 ? '' : `?${pieces.join('&')}`;
          const result = new URLSearchParams(change(set, remove, query) ?? query);
          for (const name of remove) if (!Object.hasOwn(set, name)) expect(result.has(name)).toBe(false);
          for (const [name, value] of Object.entries(set)) expect(result.getAll(name)).toEqual([value]);
        },
      ),
    );
  });
});
