import { setImmediate as nextTurn } from 'node:timers/promises';
import { readEntity } from '#config';
import { type EntitySet } from './entity-set.js';

/** Entities that are read within some milliseconds. */
const MOST_AT_ONCE = 250;

/**
 * Reads what has not been read, and lets requests be answered in between. What was read is known afterwards: whoever
 * needs all of them at once does not have to read them then.
 */
export async function readBetweenTurns(entities: EntitySet, known: EntitySet): Promise<void> {
  if (entities === known) return;
  let count = 0;
  for (const entity of entities.all()) {
    if (known.get(entity.kind, entity.name) === entity) continue;
    if (++count % MOST_AT_ONCE === 0) await nextTurn();
    readEntity(entity);
  }
}
