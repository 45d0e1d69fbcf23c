import { type Directives } from './cache-control.js';
import { type StoredResponse } from './stored-response.js';

/**
 * What a stored answer is good for:
 * `fresh`: use it. `refresh`: use it, and fetch a fresh one behind it. `accepted`: it is too old, and the client said that
 * it takes such. `stale`: it is too old. `unwanted`: it is fresh enough, but not for this client.
 */
export type Use = 'fresh' | 'refresh' | 'accepted' | 'stale' | 'unwanted';

/** Kept this much longer than it can be used, because the upstream may say that it is still good. */
const ASK_AGAIN_WITHIN = 3_600_000;
/** Nothing is kept longer, whatever it says. */
const LONGEST = 86_400_000;

export function useOf({ terms, receivedAt }: StoredResponse, asked: Directives, now: number): Use {
  const { lifetime } = terms;
  const age = ageAt(terms.age, receivedAt, now);
  if (asked.has('no-cache')) return 'unwanted';
  if (terms.noCache) return 'stale';
  const maxAge = asked.time('max-age');
  if (age < lifetime) {
    if (maxAge !== null && age > maxAge) return 'unwanted';
    const minFresh = asked.time('min-fresh') ?? 0;
    return lifetime - age < minFresh ? 'unwanted' : 'fresh';
  }
  if (maxAge !== null && age > maxAge && !asked.has('max-stale')) return 'stale';
  if (asked.has('min-fresh')) return 'stale';
  const staleness = age - lifetime;
  if (staleness < terms.staleWhileRevalidate) return 'refresh';
  const maxStale = asked.time('max-stale', Infinity);
  return maxStale !== null && !terms.neverStale && staleness <= maxStale ? 'accepted' : 'stale';
}

/** Whether it may stand in for an upstream that fails (RFC 5861, 4). */
export function standsIn({ terms, receivedAt }: StoredResponse, asked: Directives, now: number): boolean {
  if (terms.noCache || asked.has('no-cache')) return false;
  const staleness = ageAt(terms.age, receivedAt, now) - terms.lifetime;
  if (staleness < 0) return true;
  const allowed = terms.neverStale ? terms.staleIfError : (asked.time('stale-if-error') ?? terms.staleIfError);
  return staleness < Math.max(allowed, terms.staleIfError);
}

export function currentAge({ terms, receivedAt }: StoredResponse, now: number): number {
  return ageAt(terms.age, receivedAt, now);
}

/** Milliseconds until it is too old; less than 0: since then. */
export function timeLeft(stored: StoredResponse, now: number): number {
  return stored.terms.lifetime - currentAge(stored, now);
}

/** When there is no use left for it, in milliseconds since the epoch. */
export function uselessAt({ terms, receivedAt }: StoredResponse): number {
  const { lifetime, age, noCache, validators, staleWhileRevalidate, staleIfError } = terms;
  const usable = noCache ? 0 : Math.max(0, lifetime + Math.max(staleWhileRevalidate, staleIfError) - age);
  const left = validators ? Math.max(usable, Math.max(0, lifetime - age) + ASK_AGAIN_WITHIN) : usable;
  return receivedAt + Math.min(left, LONGEST);
}

/** A clock that was set back makes nothing younger than it was. */
function ageAt(initial: number, receivedAt: number, now: number): number {
  return initial + Math.max(0, now - receivedAt);
}
