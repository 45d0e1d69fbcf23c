import { EventEmitter } from 'node:events';

/**
 * Jest gives every test file its own modules and globals, while the classes of Node itself are the same throughout a
 * worker. What hangs on one of them is found again by the next file.
 */
const memory = EventEmitter as unknown as Record<symbol, unknown>;

/** What `make` made for an earlier file of this worker, or makes now. One that failed is made again. */
export async function onceAWorker<T>(name: string, make: () => Promise<T>): Promise<T> {
  const key = Symbol.for(`aegis.testing.${name}`);
  const made = (memory[key] as Promise<T> | undefined) ?? make();
  memory[key] = made;
  try {
    return await made;
  } catch (error) {
    memory[key] = undefined;
    throw error;
  }
}
