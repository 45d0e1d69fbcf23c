import { type IncomingHttpHeaders } from 'node:http';
import { type RateLimitRule } from '#config';

export type Cost = RateLimitRule['cost'];

const MOST = 1_000_000;
const NUMBER = /^\d{1,15}(?:\.\d{1,15})?$/;

/**
 * What a request has to pay before it is forwarded. A header that the client sends can make it dearer, never cheaper than
 * 1; without one, or with nonsense in it, it is 1. A cost that only the answer tells is settled later: until then there
 * must be room for 1.
 */
export function costBefore(cost: Cost, headers: IncomingHttpHeaders): number {
  if (cost.kind === 'fixed') return cost.value;
  if (cost.kind === 'response-header') return 1;
  const value = headers[cost.name];
  return Math.max(1, parseCost(typeof value === 'string' ? value : undefined));
}

/** What the answer says that it cost: `headers` is name, value, name, value, …; 1 when it says nothing. */
export function costAfter(name: string, headers: readonly string[]): number {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === name) return parseCost(headers[index + 1]);
  }
  return 1;
}

/** Whole tokens, rounded up. */
function parseCost(value: string | undefined): number {
  const text = value?.trim() ?? '';
  return NUMBER.test(text) ? Math.min(MOST, Math.ceil(Number(text))) : 1;
}

/** The least that one request can cost. */
export function smallestCost(cost: Cost): number {
  return cost.kind === 'fixed' && cost.value > 0 ? Math.min(1, cost.value) : 1;
}
