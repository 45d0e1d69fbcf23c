import { type Principal } from '#kernel';
import { DECLARED } from '../consumers/declared.js';
import { SIGN_IN } from '../oauth2/sign-in.js';

/** The credentials of those who signed in: they are good for Aegis's own paths only. */
export const FIXED = 'session:';
/** … of those who did so with a key that the configuration declares; what follows is the name of its credential. */
export const FIXED_BY_DECLARED = `${FIXED}${DECLARED}`;
/** … of those who did so at the issuer; what follows tells one session from another. */
export const FIXED_BY_ISSUER = `${FIXED}${SIGN_IN}:`;
/** … of those who did so with the key of the environment; what follows tells it from the one before. */
export const OF_OWNER = 'AEGIS_ADMIN_KEY:';

/** What the configuration has at present of that by which people sign in. */
export interface SignInsNow {
  /** Declared keys, by the names of their credentials. */
  readonly declared: ReadonlyMap<string, Principal>;
  /** The roles that the issuer's groups bring; null: nobody signs in there. */
  readonly byIssuer: ReadonlySet<string> | null;
}

/**
 * A session that a declared key opened is worth what that key is now, and one that was opened at the issuer has no role that
 * no group brings any more. null: the configuration has that key no longer, or no such sign-in.
 */
export function asItIsNow(principal: Principal, { declared, byIssuer }: SignInsNow): Principal | null {
  if (principal.credential.startsWith(FIXED_BY_ISSUER)) {
    return byIssuer && { ...principal, roles: principal.roles.filter((role) => byIssuer.has(role)) };
  }
  if (!principal.credential.startsWith(FIXED_BY_DECLARED)) return principal;
  const key = declared.get(principal.credential.slice(FIXED.length));
  return key === undefined ? null : { ...principal, roles: key.roles, plan: key.plan };
}
