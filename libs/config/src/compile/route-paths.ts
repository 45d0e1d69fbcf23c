import { type DeclaredRoute } from '../model/route.js';
import { type Path } from '../schema/schema.js';
import { type Checks } from './checks.js';

function parametersOf({ path }: DeclaredRoute): readonly string[] {
  if (path.kind !== 'pattern') return [];
  return [...path.value.matchAll(/\/:(\w+)/g)].map(([, name = '']) => name);
}

/** A path that is made of parameters needs a pattern that has them. */
function checkTemplate(template: string, route: DeclaredRoute, at: Path, checks: Checks): void {
  const known = parametersOf(route);
  const allowed = known.length > 0 ? known.map((name) => `:${name}`).join(', ') : 'no parameters';
  const segments = template.split('/');
  for (const segment of segments.filter((each) => each.startsWith(':'))) {
    const name = /^:([A-Za-z_]\w*)/.exec(segment)?.[1];
    if (name === undefined) checks.wrong(at, `"${segment}" is not a parameter; write a colon and a name, such as :id`);
    else if (!known.includes(name)) checks.wrong(at, `the path of the route has no :${name}`, { allowed });
  }
  if (segments.at(-1) === '*' && !(route.path.kind === 'pattern' && route.path.value.endsWith('*'))) {
    checks.wrong(at, 'a * is what the * of the route’s path takes, and that path has none');
  }
}

export function checkRewrite(route: DeclaredRoute, path: Path, checks: Checks): void {
  const { stripPrefix, prefix, path: whole } = route.rewrite;
  const at = [...path, 'rewrite'];
  if (whole !== null) {
    const other = stripPrefix === null ? (prefix === null ? undefined : 'prefix') : 'stripPrefix';
    if (other !== undefined)
      checks.wrong([...at, 'path'], `path makes a whole new path; ${other} cannot stand beside it`);
    checkTemplate(whole, route, [...at, 'path'], checks);
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
  if (prefix !== null && route.path.kind === 'regex') {
    checks.wrong([...at, 'prefix'], 'a path that is a regular expression has no prefix to replace', {
      hint: 'use path',
    });
  }
  if (whole !== null) checkTemplate(whole, { redirect, ...route }, [...at, 'path'], checks);
  if ([scheme, host, whole, prefix, port].every((part) => part === null)) {
    checks.wrong(at, 'it leads back to itself: it needs at least one of scheme, host, path, prefix and port');
  }
}
