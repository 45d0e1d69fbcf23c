import { type DeclaredRoute } from '../model/route.js';
import { type Path } from '../schema/schema.js';
import { type Checks } from './checks.js';

function parametersOf(template: string): readonly string[] {
  return [...template.matchAll(/\/:([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
}

/** A path that is made of parameters needs a pattern that has them. */
function checkParameters(template: string, route: DeclaredRoute, at: Path, checks: Checks): void {
  const known = route.path.kind === 'pattern' ? parametersOf(route.path.value) : [];
  for (const parameter of parametersOf(template)) {
    if (known.includes(parameter)) continue;
    checks.wrong(at, `the path of the route has no :${parameter}`, {
      allowed: known.length > 0 ? known.map((name) => `:${name}`).join(', ') : 'no parameters',
    });
  }
}

export function checkRewrite(route: DeclaredRoute, path: Path, checks: Checks): void {
  const { stripPrefix, prefix, path: whole } = route.rewrite;
  const at = [...path, 'rewrite'];
  if (whole !== null) {
    const other = stripPrefix === null ? (prefix === null ? undefined : 'prefix') : 'stripPrefix';
    if (other !== undefined)
      checks.wrong([...at, 'path'], `path makes a whole new path; ${other} cannot stand beside it`);
    checkParameters(whole, route, [...at, 'path'], checks);
  }
  if (stripPrefix !== null && route.path.kind !== 'regex' && !mayBegin(route.path.value, stripPrefix)) {
    checks.warn([...at, 'stripPrefix'], `no path of this route begins with ${stripPrefix}`);
  }
}

/** Whether some path that `taken` takes begins with `prefix`. */
function mayBegin(taken: string, prefix: string): boolean {
  const have = taken.split('/');
  const want = prefix.replace(/\/$/, '').split('/');
  return want.every((segment, index) => {
    const mine = have[index];
    return mine === undefined || mine === '' || mine === '*' || mine.startsWith(':') || mine === segment;
  });
}

export function checkRedirect({ redirect, ...route }: DeclaredRoute, path: Path, checks: Checks): void {
  if (redirect === null) return;
  const at = [...path, 'redirect'];
  const { scheme, host, path: whole, prefix, port } = redirect;
  if (whole !== null && prefix !== null)
    checks.wrong([...at, 'prefix'], 'path makes a whole new path; prefix cannot stand beside it');
  if (prefix !== null && route.path.kind !== 'prefix') {
    checks.wrong([...at, 'prefix'], 'only a route with a prefix for its path has a prefix to replace', {
      hint: 'use path',
    });
  }
  if (whole !== null) checkParameters(whole, { redirect, ...route }, [...at, 'path'], checks);
  if ([scheme, host, whole, prefix, port].every((part) => part === null)) {
    checks.wrong(at, 'it leads back to itself: it needs at least one of scheme, host, path, prefix and port');
  }
}
