import { type Principal } from '#kernel';
import { DECLARED } from '../consumers/declared.js';

/** The credentials of those who signed in: they are good for Aegis's own paths only. */
export const FIXED = 'session:';
/** … of those who did so with a key that the configuration declares; what follows is the name of its credential. */
export const FIXED_BY_DECLARED = `${FIXED}${DECLARED}`;
/** … of those who did so with the key of the environment; what follows tells it from the one before. */
export const OF_OWNER = 'AEGIS_ADMIN_KEY:';

/** A session that a declared key opened is worth what that key is now; null: the configuration has it no longer. */
export function asItIsNow(principal: Principal, declared: ReadonlyMap<string, Principal>): Principal | null {
  if (!principal.credential.startsWith(FIXED_BY_DECLARED)) return principal;
  const key = declared.get(principal.credential.slice(FIXED.length));
  return key === undefined ? null : { ...principal, roles: key.roles, plan: key.plan };
}
