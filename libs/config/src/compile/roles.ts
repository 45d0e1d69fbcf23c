import { type Declared } from '../model/root.js';
import { type Path } from '../schema/schema.js';
import { type Checks } from './checks.js';

type Roles = Declared['auth']['rbac']['roles'];

const BUILT_IN_ROLES = ['viewer', 'operator', 'admin'];
/** A role has what all above it have, so a long line of them costs the square of its length. */
const LONGEST_LINE = 64;
/** Of roles that go in circles; more say nothing new. */
const MOST_TOLD = 50;
const MOST_NAMED = 8;

export function checkRoles(declared: Roles, checks: Checks): void {
  const roles = new Map(Object.entries(declared));
  const at = (name: string): Path => ['auth', 'rbac', 'roles', name, 'inherits'];
  for (const [name, { inherits }] of roles) {
    for (const [index, parent] of inherits.entries()) {
      if (roles.has(parent) || BUILT_IN_ROLES.includes(parent) || parent === '') continue;
      checks.missing([...at(name), index], `no role is called ${JSON.stringify(parent)}`);
    }
  }
  const { circles, lines } = walk(new Map([...roles].map(([name, { inherits }]) => [name, inherits])));
  const told = new Set<string>();
  for (const circle of circles) {
    for (const [index, name] of circle.entries()) {
      if (told.has(name) || told.size >= MOST_TOLD) continue;
      told.add(name);
      const way = [...circle.slice(index), ...circle.slice(0, index)];
      const shown = way.length > MOST_NAMED ? [...way.slice(0, MOST_NAMED), '…'] : way;
      checks.wrong(at(name), `the role inherits itself: ${[...shown, name].join(' → ')}`);
    }
  }
  for (const name of lines) {
    checks.wrong(at(name), `it inherits in a line of more than ${LONGEST_LINE} roles`);
  }
}

interface Walked {
  readonly circles: readonly (readonly string[])[];
  /** The roles that are the first in their line to have too many above them. */
  readonly lines: readonly string[];
}

/** Goes to each role once, and not by recursion: there may be as many as a document has room for. */
function walk(parents: ReadonlyMap<string, readonly string[]>): Walked {
  const above = new Map<string, number>();
  const circles: string[][] = [];
  const lines: string[] = [];
  for (const start of parents.keys()) {
    if (above.has(start)) continue;
    const way = [{ role: start, next: 0, most: 0 }];
    const places = new Map([[start, 0]]);
    for (let here = way.at(-1); here !== undefined; here = way.at(-1)) {
      const parent = parents.get(here.role)?.[here.next++];
      if (parent === undefined) {
        above.set(here.role, here.most);
        if (here.most === LONGEST_LINE) lines.push(here.role);
        places.delete(here.role);
        way.pop();
        const below = way.at(-1);
        if (below !== undefined) below.most = Math.max(below.most, here.most + 1);
        continue;
      }
      const known = above.get(parent);
      const place = places.get(parent);
      if (known !== undefined) here.most = Math.max(here.most, known + 1);
      else if (place === undefined) {
        places.set(parent, way.length);
        way.push({ role: parent, next: 0, most: 0 });
      } else if (circles.length < MOST_TOLD) circles.push(way.slice(place).map(({ role }) => role));
    }
  }
  return { circles, lines };
}

/**
 * A role that is neither declared nor given to anybody is most likely misspelt. Where somebody may well bring it along
 * (a token, or a consumer of a database that is shared), only one that comes near another is worth a word.
 */
export function checkRolesAskedFor({ auth, gateway: { routes }, database }: Declared, checks: Checks): void {
  const given = auth.consumers.flatMap(({ roles }) => roles);
  const known = [...new Set([...BUILT_IN_ROLES, ...Object.keys(auth.rbac.roles), ...given])];
  const isKnown = new Set(known);
  const fromElsewhere = auth.jwt !== null || auth.oauth2 !== null || database.url !== null;
  const check = (roles: readonly string[], path: Path): void => {
    for (const [index, role] of roles.entries()) {
      if (role === '' || isKnown.has(role)) continue;
      const near = checks.meant(role, known);
      if (near === undefined && fromElsewhere) continue;
      const hint = near === undefined ? 'it must come from the admin API' : `did you mean ${near}?`;
      checks.warn([...path, index], `no role is called ${JSON.stringify(role)} here, and no consumer has it`, hint);
    }
  };
  for (const [index, route] of routes.entries()) {
    check(route.auth?.roles ?? [], ['gateway', 'routes', index, 'auth', 'roles']);
  }
  for (const [index, { roles }] of auth.rbac.rules.entries()) check(roles, ['auth', 'rbac', 'rules', index, 'roles']);
}
