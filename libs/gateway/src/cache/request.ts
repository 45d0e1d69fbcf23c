import { type Exchange } from '#kernel';
import { type Directives, directives } from './cache-control.js';
import { type RouteCache } from './route-cache.js';

/** What a request wants of the cache. */
export interface Asked {
  readonly directives: Directives;
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  readonly known: boolean;
  readonly cookies: boolean;
  /** It has a condition that only the upstream can judge as long as nothing is stored. */
  readonly conditional: boolean;
  /** An answer that was asked for before this request will do. */
  readonly patient: boolean;
}

/** Why a request passes by the cache: its method, or `bypass` with the reason in a word. */
export type PassesBy = { readonly why: 'method' | 'bypass'; readonly detail: string | null };

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export function isUnsafe(method: string): boolean {
  return !SAFE.has(method);
}

/** Fields by which some upstreams choose another path, host or method, and that no `Vary` names: with one of them a request is no other's equal. */
const OVERRIDES = [
  'x-original-url',
  'x-rewrite-url',
  'x-original-host',
  'x-host',
  'x-http-host-override',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
];

/** Null: it does not. */
export function passesBy({ req }: Exchange, cache: RouteCache, hasBody: boolean): PassesBy | null {
  const { headers, method = 'GET' } = req;
  if (!cache.keeps.has(method) && !(method === 'HEAD' && cache.keeps.has('GET')))
    return { why: 'method', detail: null };
  if (hasBody) return { why: 'bypass', detail: 'body' };
  if (headers.range !== undefined) return { why: 'bypass', detail: 'range' };
  if (headers['if-match'] !== undefined || headers['if-unmodified-since'] !== undefined)
    return { why: 'bypass', detail: 'condition' };
  for (const name of OVERRIDES) if (headers[name] !== undefined) return { why: 'bypass', detail: 'override' };
  return null;
}

const NO_CACHE = directives('no-cache');

export function askedOf({ req, principal }: Exchange, cache: RouteCache): Asked {
  const { headers } = req;
  const field = headers['cache-control'];
  const said =
    field === undefined && headers.pragma?.includes('no-cache') === true ? NO_CACHE : directives(field ?? '');
  return {
    directives: said,
    noStore: said.has('no-store'),
    onlyIfCached: said.has('only-if-cached'),
    known: principal !== null || headers.authorization !== undefined || headers['x-api-key'] !== undefined,
    cookies: headers.cookie !== undefined && !cache.vary.includes('cookie'),
    conditional: headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined,
    patient: !said.has('no-cache') && !said.has('max-age') && !said.has('min-fresh'),
  };
}
