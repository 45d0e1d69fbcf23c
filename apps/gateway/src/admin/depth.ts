import { Refusal } from '#kernel';

const DEEPEST = 64;

/** Level by level, because a body made for it would overflow the stack. */
export function checkDepth(body: unknown): void {
  let level: unknown[] = [body];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) {
      const message = `nested deeper than ${DEEPEST} levels`;
      throw new Refusal('validation_failed', `The body is ${message}.`, undefined, [{ path: '', message }]);
    }
    level = level.flatMap((each): unknown[] => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
}
