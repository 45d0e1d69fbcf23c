import { type Algorithm, steadied } from './algorithm.js';

/**
 * Token bucket: holds up to `burst` tokens and refills steadily by `limit` per window.
 *
 * Bound: in any stretch of time t, at most burst + t × limit ÷ window is admitted; whoever asks no faster than the rate is
 * always admitted.
 * Weakness: a full bucket lets `burst` through at once, so that a stretch of one window can see burst + limit, twice the
 * limit when `burst` is left at its default.
 *
 * What is kept is the debt, the tokens that are missing, in token × microseconds of the window: refilling then is
 * `limit` per microsecond, and everything stays a whole number (up to 2^53, that is burst × window; beyond that the
 * rounding is below a billionth of a token).
 */
export interface Bucket {
  debt: number;
  at: number;
  /** The window that `debt` is measured in: a rule whose window was changed keeps the share that is used. */
  window: number;
}

export const tokenBucket: Algorithm<Bucket> = {
  fresh: () => ({ debt: 0, at: 0, window: 0 }),

  wait(limit, state, now, need) {
    if (need > limit.capacity) return Infinity;
    const at = steadied(now, state.at, limit.window);
    const excess = debtAt(state, at, limit) + need * limit.window - limit.capacity * limit.window;
    return excess <= 0 ? 0 : Math.ceil(excess / limit.limit) + (at - now);
  },

  charge(limit, state, now, cost) {
    const at = steadied(now, state.at, limit.window);
    state.debt = debtAt(state, at, limit) + cost * limit.window;
    state.at = at;
    state.window = limit.window;
  },

  left(limit, state, now) {
    const debt = debtAt(state, steadied(now, state.at, limit.window), limit);
    return Math.max(0, Math.floor((limit.capacity * limit.window - debt) / limit.window));
  },

  weight: () => 0,
  memory: ({ capacity, window, limit }, state) => Math.ceil(Math.max(capacity * window, state?.debt ?? 0) / limit),
};

function debtAt(state: Bucket, at: number, limit: { readonly limit: number; readonly window: number }): number {
  if (state.debt === 0) return 0;
  const debt = state.window === limit.window ? state.debt : (state.debt * limit.window) / state.window;
  const elapsed = at - state.at;
  return elapsed > 0 ? Math.max(0, debt - elapsed * limit.limit) : debt;
}
