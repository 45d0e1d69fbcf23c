import { type Directives, directives } from './cache-control.js';
import { fieldOf } from './fields.js';
import { parseHttpDate } from './http-date.js';

/** How long an answer may be used, worked out once when it arrives. Milliseconds. */
export interface Terms {
  /** How old it was when it arrived (RFC 9111, 4.2.3). */
  readonly age: number;
  readonly lifetime: number;
  /** After that, while a fresh one is fetched. */
  readonly staleWhileRevalidate: number;
  /** After that, while the upstream fails. */
  readonly staleIfError: number;
  /** Never used without asking the upstream. */
  readonly noCache: boolean;
  /** Not used too old, whoever says that it may be. */
  readonly neverStale: boolean;
  /** Also for callers that are known, and where it came for one. */
  readonly shared: boolean;
  /** The upstream said how long; otherwise the route did. */
  readonly explicit: boolean;
  /** The upstream can be asked whether it is still good. */
  readonly validators: boolean;
}

/** What the route says where the answer says nothing. */
export interface RouteTerms {
  readonly ttl: number;
  readonly staleWhileRevalidate: number;
}

interface Arrival {
  readonly status: number;
  readonly fields: readonly string[];
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
  readonly receivedAt: number;
}

/** Statuses whose answers may be kept although they do not say how long (RFC 9110, 15.1). 206 is not kept at all. */
export const HEURISTIC = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);

export function termsOf(arrival: Arrival, route: RouteTerms): Terms {
  const { fields } = arrival;
  const said = directives(fieldOf(fields, 'cache-control') ?? '');
  const date = dateOf(arrival);
  const lifetime = lifetimeOf(arrival, said, date);
  const heuristic = HEURISTIC.has(arrival.status) || said.has('public') ? route.ttl : 0;
  const mustRevalidate = said.has('must-revalidate') || said.has('no-cache');
  // `s-maxage` forbids what nobody asked for; an upstream that also says how stale it may be has asked for it.
  const restrained = mustRevalidate || said.has('proxy-revalidate');
  const whileRevalidate = said.time('stale-while-revalidate');
  const ownChoice = said.has('s-maxage') ? 0 : route.staleWhileRevalidate;
  return {
    age: initialAge(arrival, date),
    lifetime: lifetime ?? heuristic,
    staleWhileRevalidate: restrained ? 0 : (whileRevalidate ?? ownChoice),
    staleIfError: restrained ? 0 : (said.time('stale-if-error') ?? 0),
    noCache: said.has('no-cache'),
    neverStale: restrained || said.has('s-maxage'),
    shared: said.has('public') || said.has('s-maxage') || said.has('must-revalidate'),
    explicit: lifetime !== null,
    validators: fieldOf(fields, 'etag') !== null || fieldOf(fields, 'last-modified') !== null,
  };
}

/** What the answer says of it; null: nothing. */
function lifetimeOf({ fields, receivedAt }: Arrival, said: Directives, date: number): number | null {
  const directive = said.time('s-maxage') ?? said.time('max-age');
  if (directive !== null) return directive;
  const expires = fieldOf(fields, 'expires');
  if (expires === null) return null;
  // A date that cannot be read, such as 0, has passed.
  const at = parseHttpDate(expires, receivedAt);
  return at === null ? 0 : Math.max(0, at - date);
}

function initialAge({ fields, requestedAt, receivedAt }: Arrival, date: number): number {
  const said = /^\s*(\d{1,10})\s*(?:,|$)/.exec(fieldOf(fields, 'age') ?? '')?.[1];
  const corrected = Number(said ?? 0) * 1000 + Math.max(0, receivedAt - requestedAt);
  return Math.max(0, receivedAt - date, corrected);
}

function dateOf({ fields, receivedAt }: Arrival): number {
  return parseHttpDate(fieldOf(fields, 'date') ?? '', receivedAt) ?? receivedAt;
}
