import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type HeaderChanges } from '#config';
import { compileRequestHeaders, compileResponseHeaders } from './header-changes.js';

const NONE: HeaderChanges = { set: {}, add: {}, remove: [] };

function changed(changes: Partial<HeaderChanges>, fields: string[]): string[] {
  compileResponseHeaders({ ...NONE, ...changes })?.(fields);
  return fields;
}

describe('header changes', () => {
  it('are none when none are configured', () => {
    expect(compileRequestHeaders(NONE)).toBeNull();
    expect(compileResponseHeaders(NONE)).toBeNull();
  });

  it('remove first, then set, then add', () => {
    const changes = { set: { 'x-b': 'set' }, add: { 'x-a': 'added', 'x-b': 'too', 'x-c': 'beside' }, remove: ['x-a'] };
    expect(changed(changes, ['X-A', '1', 'X-B', '2', 'x-b', '3', 'X-C', '4', 'Other', 'o'])).toEqual([
      'X-C',
      '4',
      'Other',
      'o',
      'x-b',
      'set',
      'x-a',
      'added',
      'x-b',
      'too',
      'x-c',
      'beside',
    ]);
  });

  it('can only add, or only remove', () => {
    expect(changed({ add: { 'set-cookie': 'a=1' } }, ['Set-Cookie', 'b=2'])).toEqual([
      'Set-Cookie',
      'b=2',
      'set-cookie',
      'a=1',
    ]);
    expect(changed({ remove: ['server'] }, ['Date', 'd', 'SERVER', 's'])).toEqual(['Date', 'd']);
    expect(changed({ remove: ['server'] }, ['Server', 's'])).toEqual([]);
  });

  it('come for a request as names to drop and lines to append', () => {
    const compiled = compileRequestHeaders({ set: { 'x-team': 'blue' }, add: { 'x-tag': 'ü' }, remove: ['Cookie'] });
    expect(compiled?.lines).toBe('x-team: blue\r\nx-tag: ü\r\n');
    for (const name of ['cookie', 'COOKIE', 'X-Team']) expect(compiled?.drops.has(name)).toBe(true);
    for (const name of ['x-tag', 'cookies', 'Set-Cookie', 'x'.repeat(300)])
      expect(compiled?.drops.has(name)).toBe(false);
  });

  it('agree with three steps done one after the other', () => {
    const name = fc.constantFrom<string[]>('x-a', 'x-b', 'x-c', 'x-dd');
    const cased = name.chain((text) => fc.constantFrom(text, text.toUpperCase()));
    const fields = fc.array(fc.tuple(cased, fc.string())).map((pairs) => pairs.flat());
    const record = fc.dictionary(name, fc.string(), { noNullPrototype: true });
    fc.assert(
      fc.property(fields, record, record, fc.uniqueArray(name), (before, set, add, remove) => {
        let pairs = before.flatMap((_, i) => (i % 2 === 0 ? [[before[i]!, before[i + 1]!] as const] : []));
        pairs = pairs.filter(([key]) => !remove.includes(key.toLowerCase()));
        pairs = [...pairs.filter(([key]) => !Object.hasOwn(set, key.toLowerCase())), ...Object.entries(set)];
        pairs = [...pairs, ...Object.entries(add)];
        expect(changed({ set, add, remove }, [...before])).toEqual(pairs.flat());
      }),
    );
  });
});
