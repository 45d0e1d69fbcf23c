import { expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { leaveAtEndOfTurn } from './end-of-turn.js';

it('lets all go at the end of the turn in the order in which they came, and those who come meanwhile after it', async () => {
  const gone: number[] = [];
  for (const number of [1, 2, 3]) {
    leaveAtEndOfTurn({
      leave: () => {
        gone.push(number);
        leaveAtEndOfTurn({ leave: () => gone.push(number + 3) });
      },
    });
  }
  await Promise.resolve();
  expect(gone).toEqual([]);
  await turn();
  expect(gone).toEqual([1, 2, 3]);
  await turn();
  expect(gone).toEqual([1, 2, 3, 4, 5, 6]);
});
