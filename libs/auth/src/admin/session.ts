import { hash } from 'node:crypto';
import { type ClientConnection, clientIsSecure, type Exchange, type Principal, Refusal } from '#kernel';
import { asItIsNow, type SignInsNow } from '../issued/fixed.js';
import { type Method, type Outcome } from '../methods/method.js';
import { type Stores } from '../stores.js';

export const SESSION_COOKIE = 'aegis_session';

const LONGEST = 256;
const LONGEST_COOKIE = 4096;
const CHANGES_NOTHING = new Set(['GET', 'HEAD']);
const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="aegis"' };

/**
 * The cookie of somebody who signed in. Browsers send it by themselves, so a request that changes something has to come
 * from a page of ours. One that has ended is like none: whoever left a page open does not count as guessing.
 */
export class SessionMethod implements Method<string> {
  readonly name = 'oauth2';
  readonly challenge = 'Cookie realm="aegis"';

  constructor(private readonly signIns: SignInsNow) {}

  credentialIn(exchange: Exchange): string | null {
    const token = sessionCookie(exchange);
    if (token === null) return null;
    if (!CHANGES_NOTHING.has(exchange.req.method ?? '') && !isOfOurPages(exchange)) {
      throw new Refusal('forbidden', 'Another site has sent this, or a page that does not say where it comes from.');
    }
    return token;
  }

  async verify(token: string, { keys }: Stores): Promise<Outcome> {
    const found: Principal | null = await keys.find(hash('sha256', token, 'hex'));
    const principal = found === null ? null : asItIsNow(found, this.signIns);
    if (principal !== null) return principal;
    throw new Refusal('authentication_required', 'The session has ended: sign in again.', CHALLENGE);
  }
}

export function sessionCookie(exchange: Exchange): string | null {
  const value = cookieIn(exchange, SESSION_COOKIE);
  return value === null || value.length > LONGEST ? null : value;
}

/**
 * Over TLS with the prefix that browsers take from this host itself only: a neighbour, such as another name of the same
 * domain, cannot plant a cookie of ours.
 */
export function cookieName(exchange: Exchange, name: string): string {
  return clientIsSecure(exchange) ? `__Host-${name}` : name;
}

/** null: there is none, or more than one, and nobody knows whose the first is. */
export function cookieIn(exchange: Exchange, name: string): string | null {
  const begin = `${cookieName(exchange, name)}=`;
  const cookies = (exchange.req.headers.cookie ?? '').split(';').map((each) => each.trim());
  const [value, ...others] = cookies.filter((each) => each.startsWith(begin)).map((each) => each.slice(begin.length));
  return value === undefined || others.length > 0 || value === '' || value.length > LONGEST_COOKIE ? null : value;
}

/**
 * Every browser of today says one of the two with what changes something. A page that came in the clear is none of ours
 * where the client uses HTTPS: anybody on its way could have written it. Where we see no HTTPS there may still be a proxy
 * that ends it and is not trusted, so there a page may have come either way.
 */
export function isOfOurPages(exchange: Pick<Exchange, 'host'> & ClientConnection): boolean {
  const { req, host } = exchange;
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin } = req.headers;
  if (origin === undefined || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.protocol !== 'https:' && (page.protocol !== 'http:' || clientIsSecure(exchange))) return false;
  // With the scheme of the page: a port that goes without saying is left out on both sides.
  const here = `${page.protocol}//${host}`;
  return URL.canParse(here) && new URL(here).host === page.host;
}
