import { type Algorithm, steadied } from './algorithm.js';

/**
 * Fixed window: counts in windows that are aligned to the clock (a window of a minute begins with the minute, of a day at
 * 00:00 UTC, of seven days on a Thursday, the day of the epoch).
 *
 * Bound: at most `limit` is admitted between two ticks; whoever is refused is admitted at the next tick.
 * Weakness: up to twice the limit around a tick, the end of one window and the beginning of the next; and everyone who
 * was refused comes back at the same moment.
 */
export interface FixedCount {
  start: number;
  count: number;
}

export const fixedWindow: Algorithm<FixedCount> = {
  fresh: () => ({ start: 0, count: 0 }),

  wait({ limit, window }, state, now, need) {
    if (need > limit) return Infinity;
    const start = startOf(state, now, window);
    return countAt(state, start) + need <= limit ? 0 : start + window - now;
  },

  charge({ window }, state, now, cost) {
    const start = startOf(state, now, window);
    state.count = countAt(state, start) + cost;
    state.start = start;
  },

  left({ limit, window }, state, now) {
    return Math.max(0, Math.floor(limit - countAt(state, startOf(state, now, window))));
  },

  weight: () => 0,
  memory: ({ window }) => window,
};

function startOf(state: FixedCount, now: number, window: number): number {
  const at = steadied(now, state.start, window);
  return at - (at % window);
}

function countAt(state: FixedCount, start: number): number {
  return start === state.start ? state.count : 0;
}
