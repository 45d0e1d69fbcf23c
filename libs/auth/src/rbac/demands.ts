import { type Principal } from '#kernel';
import { type Roles } from './roles.js';

interface DemandedLists {
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly scopes?: readonly string[];
}

/** What a caller must have: one of the roles, all permissions, all scopes. */
export class Demands {
  private readonly enoughRoles: ReadonlySet<string>;
  private readonly granted: readonly { readonly name: string; readonly roles: ReadonlySet<string> }[];
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly scopes: readonly string[];

  constructor(lists: DemandedLists, known: Roles) {
    this.roles = lists.roles;
    this.permissions = lists.permissions;
    this.scopes = lists.scopes ?? [];
    this.enoughRoles = known.standingFor(lists.roles);
    this.granted = lists.permissions.map((name) => ({ name, roles: known.granting(name) }));
  }

  get any(): boolean {
    return this.roles.length + this.permissions.length + this.scopes.length > 0;
  }

  /** What is missing, in words, null when nothing is. What the caller has, and what others have, stays untold. */
  missing(principal: Principal): string | null {
    const { roles } = this;
    if (roles.length > 0 && !hasOneOf(principal.roles, this.enoughRoles)) {
      return roles.length === 1
        ? `The role ${quoted(roles)} is missing.`
        : `One of the roles ${quoted(roles)} is missing.`;
    }
    const permissions = this.granted.filter((each) => !hasOneOf(principal.roles, each.roles));
    if (permissions.length > 0) return `Missing permission: ${quoted(permissions.map(({ name }) => name))}.`;
    const scopes = this.scopes.filter((scope) => !principal.scopes.includes(scope));
    return scopes.length > 0 ? `Missing scope: ${quoted(scopes)}.` : null;
  }
}

function hasOneOf(roles: readonly string[], wanted: ReadonlySet<string>): boolean {
  for (const role of roles) if (wanted.has(role)) return true;
  return false;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
