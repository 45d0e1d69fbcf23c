import { type IpRules } from '#config';
import { CidrSet } from '#kernel';
import { remembered } from './remembered.js';

/** Whether an address may come in. */
export type AddressRule = (address: string) => boolean;

/**
 * `deny` wins; a list of `allow` that is not empty shuts out everybody else. null when there are no rules. The gateway's
 * and the route's both apply. What is not an address is let in by no rule.
 *
 * Node takes microseconds for a look-up in its block list, and addresses come back: decisions are kept.
 */
export function compileIpRules({ allow, deny }: IpRules): AddressRule | null {
  if (allow.length === 0 && deny.length === 0) return null;
  const allowed = new CidrSet(allow);
  const denied = new CidrSet(deny);
  return remembered(4096, (address) => !denied.has(address) && (allow.length === 0 || allowed.has(address)));
}
