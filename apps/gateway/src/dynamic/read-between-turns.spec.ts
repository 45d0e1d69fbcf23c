import { expect, it } from '@jest/globals';
import { readEntity } from '#config';
import { EntitySet } from './entity-set.js';
import { readBetweenTurns } from './read-between-turns.js';

const setOf = (count: number): EntitySet =>
  EntitySet.of(
    1,
    Array.from({ length: count }, (_, i) => ({ kind: 'consumers', name: `c${i}`, spec: { plan: 'gold' }, version: 1 })),
  );

it('entities are read a few at a time, and others have their turns in between', async () => {
  const entities = setOf(1000);
  let turns = 0;
  let isDone = false;
  const turn = (): void => {
    turns++;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  await readBetweenTurns(entities, EntitySet.empty);
  isDone = true;
  expect(turns).toBeGreaterThanOrEqual(3);
  const [first] = entities.all();
  expect(readEntity(first!)).toBe(readEntity(first!));
});

it('entities that are known take no turn', async () => {
  const entities = setOf(1000);
  let isLate = false;
  setImmediate(() => (isLate = true));
  await readBetweenTurns(entities, entities);
  await readBetweenTurns(entities.with(2, []), entities);
  expect(isLate).toBe(false);
});
