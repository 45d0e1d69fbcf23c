import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Refusal } from '#kernel';
import { readQuestion, startsOf } from './range.js';

const NOW = Date.UTC(2026, 0, 31, 12);
const read = (query: Record<string, unknown>) => readQuestion(query, ['rule'], NOW);

function mistakesOf(query: Record<string, unknown>): string[] {
  try {
    read(query);
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.code === 'validation_failed') {
      return (thrown.errors ?? []).map(({ path }) => path);
    }
  }
  return [];
}

describe('a question about a stretch of time', () => {
  it('is about the last hour when nothing is said', () => {
    expect(read({})).toMatchObject({ range: '1h', from: new Date(NOW - 3_600_000), to: new Date(NOW), step: 10_000 });
  });

  it.each([
    ['5m', 300_000, 1_000],
    ['24h', 86_400_000, 300_000],
    ['30d', 2_592_000_000, 21_600_000],
  ])('is about the last %s', (range, length, step) => {
    expect(read({ range })).toMatchObject({ range, from: new Date(NOW - length), step });
  });

  it('may say from and to, as times or milliseconds', () => {
    const from = new Date(NOW - 60_000);
    expect(read({ from: from.toISOString(), to: String(NOW) })).toMatchObject({ range: null, from, to: new Date(NOW) });
    expect(read({ from: String(from.getTime()) })).toMatchObject({ from, to: new Date(NOW) });
  });

  it.each([
    [{ range: '2h' }, ['range']],
    [{ range: 'toString' }, ['range']],
    [{ range: ['5m', '1h'] }, ['range']],
    [{ range: '5m', from: String(NOW - 1) }, ['range']],
    [{ from: 'yesterday' }, ['from']],
    [{ to: '2026-01-31T00:00:00Z' }, ['from', 'to']],
    [{ from: '2026-01-31T00:00:00Z', to: '2026-01-30T00:00:00Z' }, ['to']],
    [{ from: '0' }, ['from']],
    [{ rule: '' }, ['rule']],
    [{ rul: 'a' }, ['rul']],
  ])('with %j is refused', (query, paths) => {
    expect(mistakesOf(query)).toEqual(paths);
  });

  it('has at most 401 steps, which cover it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 * 86_400_000 }), (length) => {
        const question = read({ from: String(NOW - length) });
        const starts = startsOf(question);
        expect(starts.length).toBeLessThanOrEqual(401);
        expect(starts[0]).toBeLessThanOrEqual(NOW - length);
        expect((starts.at(-1) ?? 0) + question.step).toBeGreaterThanOrEqual(NOW);
      }),
    );
  });
});
