import { hash } from 'node:crypto';
import { type Exchange, type Principal, Refusal } from '#kernel';
import { type Method, type Outcome } from '../methods/method.js';
import { type Stores } from '../stores.js';

export const SESSION_COOKIE = 'aegis_session';

const LONGEST = 256;
const CHANGES_NOTHING = new Set(['GET', 'HEAD']);
const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="aegis"' };

/**
 * The cookie of somebody who signed in. Browsers send it by themselves, so a request that changes something has to come
 * from a page of ours. One that has ended is like none: whoever left a page open does not count as guessing.
 */
export class SessionMethod implements Method<string> {
  readonly name = 'oauth2';
  readonly challenge = 'Cookie realm="aegis"';

  credentialIn(exchange: Exchange): string | null {
    const token = sessionCookie(exchange);
    if (token === null) return null;
    if (!CHANGES_NOTHING.has(exchange.req.method ?? '') && !isOfOurPages(exchange)) {
      throw new Refusal('forbidden', 'Another site has sent this, or a page that does not say where it comes from.');
    }
    return token;
  }

  async verify(token: string, { keys }: Stores): Promise<Outcome> {
    const principal: Principal | null = await keys.find(hash('sha256', token, 'hex'));
    if (principal !== null) return principal;
    throw new Refusal('authentication_required', 'The session has ended: sign in again.', CHALLENGE);
  }
}

export function sessionCookie({ req }: Exchange): string | null {
  const cookies = (req.headers.cookie ?? '').split(';').map((each) => each.trim());
  const values = cookies.filter((each) => each.startsWith(`${SESSION_COOKIE}=`));
  const value = values[0]?.slice(SESSION_COOKIE.length + 1);
  return values.length !== 1 || value === undefined || value === '' || value.length > LONGEST ? null : value;
}

/** Every browser of today says one of the two with what changes something. */
export function isOfOurPages({ req, host }: Exchange): boolean {
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin } = req.headers;
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
