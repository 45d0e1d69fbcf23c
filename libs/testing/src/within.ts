/** A look that takes longer than this was held up: by the machine, by us, by whoever was asked. */
const LONGEST_LOOK_MS = 250;

/**
 * Looks again and again whether something holds, for so many milliseconds of a machine that goes on: what one look takes
 * beyond a quarter of a second does not count, so that a promise of "within two seconds" is not broken by a process, or a
 * whole machine, that stood still for three. Says whether it came to hold.
 */
export async function within(ms: number, holds: () => Promise<boolean>): Promise<boolean> {
  for (let left = ms; ;) {
    const began = performance.now();
    if (await holds()) return true;
    if (left <= 0) return false;
    left -= Math.min(performance.now() - began, LONGEST_LOOK_MS);
  }
}
