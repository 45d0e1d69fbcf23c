import { type RateLimitAlgorithm } from '#config';

/** A limit as the algorithms see it. Time is in whole microseconds: the finest that Redis knows, and exact in a double. */
export interface Limit {
  readonly algorithm: RateLimitAlgorithm;
  /** Tokens per window. */
  readonly limit: number;
  readonly window: number;
  /** A fixed window of the calendar (UTC); `window` then is the longest that it can be. */
  readonly period: 'day' | 'month' | null;
  /** The most that can be free at once: the burst of a token bucket, the limit of the others. */
  readonly capacity: number;
  /** A sliding window takes entries of one grain together; 1: it is exact. Otherwise 1. */
  readonly grain: number;
}

/**
 * One way to count. All but `charge` are pure functions of the state and the time; `charge` changes the state in place,
 * because copying a window of a thousand entries for each request would cost more than deciding. `check-script.ts` has
 * the same arithmetic in Lua, operation for operation, so that both give the same verdicts.
 */
export interface Algorithm<S> {
  fresh(): S;
  /** Microseconds until a request that costs `need` is admitted. 0: now. Infinity: never. */
  wait(limit: Limit, state: S, now: number, need: number): number;
  /** Counts `cost`, whether there is room for it or not. */
  charge(limit: Limit, state: S, now: number, cost: number): void;
  /** Whole tokens that are free. */
  left(limit: Limit, state: S, now: number): number;
  /** Bytes that the state takes beside itself. */
  weight(state: S): number;
  /** After so many microseconds without a charge, any state, or this one if it owes more, is as good as a fresh one. */
  memory(limit: Limit, state?: S): number;
}

/** Microseconds until more is free than now; 0 when all is. */
export function renewal<S>(algorithm: Algorithm<S>, limit: Limit, state: S, now: number): number {
  const left = algorithm.left(limit, state, now);
  return left + 1 > limit.capacity ? 0 : algorithm.wait(limit, state, now, left + 1);
}

/**
 * The time for a state that was last changed at `last`. A clock that went back by up to a window stands still until it
 * has caught up, so that nothing refills twice; one that went back further was set, and counts from there.
 */
export function steadied(now: number, last: number, window: number): number {
  return last > now && last - now <= window ? last : now;
}
