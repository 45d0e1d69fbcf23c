import { type Algorithm, type Limit, steadied } from './algorithm.js';
import { monthOf } from './month.js';

/**
 * Fixed window: counts in windows that are aligned to the clock (a window of a minute begins with the minute, of a day at
 * 00:00 UTC, of seven days on a Thursday, the day of the epoch). A quota of a month is a window as long as its month.
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

  wait(limit, state, now, need) {
    if (need > limit.limit) return Infinity;
    const start = startOf(state, now, limit);
    return countAt(state, start) + need <= limit.limit ? 0 : endOf(start, limit) - now;
  },

  charge(limit, state, now, cost) {
    const start = startOf(state, now, limit);
    state.count = countAt(state, start) + cost;
    state.start = start;
  },

  left(limit, state, now) {
    return Math.max(0, Math.floor(limit.limit - countAt(state, startOf(state, now, limit))));
  },

  weight: () => 0,
  memory: ({ window }) => window,
};

function startOf(state: FixedCount, now: number, { window, period }: Limit): number {
  const at = steadied(now, state.start, window);
  return period === 'month' ? monthOf(at).start : at - (at % window);
}

function endOf(start: number, { window, period }: Limit): number {
  return period === 'month' ? monthOf(start).end : start + window;
}

function countAt(state: FixedCount, start: number): number {
  return start === state.start ? state.count : 0;
}
