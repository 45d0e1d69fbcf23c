import { type AuthConfig } from '#config';
import { BUILT_IN_ROLES } from '../admin/admin-roles.js';
import { covers } from './permission.js';

type DeclaredRoles = AuthConfig['rbac']['roles'];

/** Answers, when a configuration is compiled, which roles are enough for a demand, so that a request only looks them up. */
export class Roles {
  /** With every role that it inherits, itself included. */
  private readonly lineage = new Map<string, ReadonlySet<string>>();
  private readonly permissions = new Map<string, readonly string[]>();

  constructor(declared: DeclaredRoles) {
    const roles = new Map(Object.entries<DeclaredRoles[string]>({ ...BUILT_IN_ROLES, ...declared }));
    for (const name of roles.keys()) {
      const line = new Set<string>();
      // A set is walked in the order of insertion, also what is added on the way; a circle adds nothing new.
      line.add(name);
      for (const each of line) for (const parent of roles.get(each)?.inherits ?? []) line.add(parent);
      this.lineage.set(name, line);
      this.permissions.set(
        name,
        [...line].flatMap((each) => roles.get(each)?.permissions ?? []),
      );
    }
  }

  /** The roles that stand for one of these: themselves, and those that inherit them. */
  standingFor(wanted: readonly string[]): ReadonlySet<string> {
    const enough = new Set(wanted);
    for (const [name, line] of this.lineage) if (wanted.some((each) => line.has(each))) enough.add(name);
    return enough;
  }

  granting(permission: string): ReadonlySet<string> {
    const enough = new Set<string>();
    for (const [name, granted] of this.permissions) {
      if (granted.some((each) => covers(each, permission))) enough.add(name);
    }
    return enough;
  }
}
