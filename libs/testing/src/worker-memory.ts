import { EventEmitter } from 'node:events';

/**
 * Jest gives every test file its own modules and globals, while the classes of Node itself are the same throughout a
 * worker. What hangs on one of them is found again by the next file.
 */
const memory = EventEmitter as unknown as Record<symbol, unknown>;

/** What `make` made for an earlier file of this worker, or makes now. */
export function onceAWorker<T>(name: string, make: () => T): T {
  const key = Symbol.for(`aegis.testing.${name}`);
  memory[key] ??= make();
  return memory[key] as T;
}
