import { describe, expect, it } from '@jest/globals';
import { createHook } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { keepShapeOfTicks } from './shape-of-ticks.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The object of the first tick that `work` asks for. */
function tickOf(work: () => void): WeakRef<object> {
  const ticks: WeakRef<object>[] = [];
  const hook = createHook({
    init: (_id, type, _trigger, resource) => type === 'TickObject' && ticks.push(new WeakRef(resource)),
  }).enable();
  work();
  hook.disable();
  return ticks[0] ?? new WeakRef({});
}

describe('the shape of ticks', () => {
  it('is remembered when garbage is collected while no tick is waiting', async () => {
    const kept = tickOf(keepShapeOfTicks);
    const other = tickOf(() => {
      process.nextTick(() => undefined);
    });
    await turn();
    collectGarbage();
    await turn();
    expect([kept.deref() === undefined, other.deref() === undefined]).toEqual([false, true]);
  });
});
