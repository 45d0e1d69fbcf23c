import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#testing';
import { type AuditEntry, BY_ITSELF } from '#storage';
import { AuditQueue } from './audit-queue.js';

function entry(requestId: string): AuditEntry {
  return { ...BY_ITSELF, at: new Date(0), operation: 'test', outcome: 'refused', status: 401, requestId };
}

class Sink {
  readonly written: AuditEntry[] = [];
  readonly news: string[] = [];
  away = false;
  readonly queue = new AuditQueue(
    (entries) => {
      if (this.away) return Promise.reject(new Error('away'));
      this.written.push(...entries);
      return Promise.resolve();
    },
    new FakeClock(),
    (news) => this.news.push(news),
  );
}

describe('entries that wait', () => {
  it('are written in order, also those from while the database was away', async () => {
    const sink = new Sink();
    sink.away = true;
    for (let i = 0; i < 250; i++) sink.queue.add(entry(`r${i}`), false);
    await new Promise((resolve) => setImmediate(resolve));
    expect([sink.written.length, sink.news.length]).toEqual([0, 1]);
    sink.away = false;
    await sink.queue.close();
    expect(sink.written.map(({ requestId }) => requestId)).toEqual(Array.from({ length: 250 }, (_, i) => `r${i}`));
  });

  it('are so many at most, and those of refusals so many a minute; how many were left out is written', async () => {
    const sink = new Sink();
    for (let i = 0; i < 5000; i++) sink.queue.add(entry('refused'), true);
    for (let i = 0; i < 5000; i++) sink.queue.add(entry('done'), false);
    await sink.queue.close();
    const count = (id: string | null): number => sink.written.filter(({ requestId }) => requestId === id).length;
    expect([count('refused'), count('done')]).toEqual([300, 700]);
    expect(sink.written.filter(({ operation }) => operation === 'audit left out').map(({ after }) => after)).toEqual([
      { entries: 9000 },
    ]);
  });

  it('are given up at the end when the database is away, and that is said', async () => {
    const sink = new Sink();
    sink.away = true;
    sink.queue.add(entry('r'), false);
    await sink.queue.close();
    expect(sink.news.at(-1)).toContain('1 entries could not be written');
  });
});
