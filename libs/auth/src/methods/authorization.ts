import { type Exchange, Refusal } from '#kernel';

/** What stands after the scheme in `Authorization`; null when there is no such field or its scheme is another. */
export function authorizationOf(exchange: Exchange, scheme: string): string | null {
  const field = exchange.req.headers.authorization;
  if (field === undefined || field.charCodeAt(scheme.length) !== SPACE) return null;
  if (field.slice(0, scheme.length).toLowerCase() !== scheme) return null;
  refuseSeveral(exchange.req.rawHeaders);
  return field.slice(scheme.length + 1).trim() || null;
}

/** Node shows the first and an upstream may read the last: both have to see the same. */
function refuseSeveral(rawHeaders: readonly string[]): void {
  let seen = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length !== NAME.length || name.toLowerCase() !== NAME) continue;
    if (seen) throw new Refusal('bad_request', 'Authorization may be there once only.');
    seen = true;
  }
}

const NAME = 'authorization';
const SPACE = 32;
