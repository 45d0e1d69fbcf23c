import { type RouteConfig, type UpstreamConfig } from '#config';
import { type AccessExplained as RouteAccessExplained } from '#auth';
import { type RequestExplanation } from '#gateway';
import { columns, count, paintFor, print } from './terminal.js';

/** The part of a route that a file and a running gateway both tell. */
export interface ListedRoute extends Pick<RouteConfig, 'name' | 'hosts' | 'path' | 'methods' | 'priority'> {
  /** What becomes of a request; a running gateway does not say. */
  readonly to?: string;
}

export interface Explained extends Omit<RequestExplanation, 'outcome'> {
  readonly outcome: RequestExplanation['outcome'] | 'reserved';
  /** The path belongs to Aegis itself. */
  readonly reserved?: boolean;
  /** What a caller needs; a running gateway says it. */
  readonly access?: RouteAccessExplained | { readonly operation: string; readonly needs: string | null } | null;
  readonly to?: string;
}

/** What becomes of a request on a route, in a few words. */
export function destination(
  { upstreams: shares, redirect }: RouteConfig,
  upstreams: readonly UpstreamConfig[],
): string {
  if (shares.length === 0) return redirect === null ? 'an answer of its own' : `a redirect, ${redirect.status}`;
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  const names = shares.map(({ upstream, weight }) => {
    const name = nameOf(upstream, upstreams);
    return shares.length === 1 ? name : `${name} ${Math.round((100 * weight) / total)}%`;
  });
  return `${shares.length === 1 ? 'upstream' : 'upstreams'} ${names.join(', ')}`;
}

/** One that a route names by its URL is told by that URL. */
function nameOf(name: string, upstreams: readonly UpstreamConfig[]): string {
  const found = upstreams.find((upstream) => upstream.name === name);
  return found?.implicit === true ? (found.targets[0]?.url ?? name) : name;
}

export function printList(items: readonly ListedRoute[]): void {
  const rows = items.map(({ name, methods, hosts, path, to }) => [
    name,
    methods.length === 0 ? 'any method' : methods.join(' '),
    hosts.length === 0 ? 'any host' : hosts.join(' '),
    `${path.kind} ${path.value}`,
    ...(to === undefined ? [] : [`→ ${to}`]),
  ]);
  print(`${count(items.length, 'route')}${items.length > 1 ? ', the one that goes first on top' : ''}\n`);
  print(columns(rows));
  print(paintFor(process.stdout).dim('\nWhich one takes a request: aegis routes --match "GET http://host/path"'));
}

export function printExplanation(explained: Explained): void {
  const { method, host, path, outcome, routes, reserved = false, access } = explained;
  const { dim, green, red } = paintFor(process.stdout);
  const request = `${method} ${host}${path}`;
  if (reserved) {
    print(`${red('✗')} ${request} → Aegis itself: ${path} is a reserved path, and no route is asked`);
    if (access != null && 'operation' in access)
      print(`  ${access.operation} needs ${access.needs ?? 'what nobody has'}`);
    return;
  }
  if (outcome === 'route') {
    print(`${green('✓')} ${request} → ${wonBy(explained)}`);
    if (access != null && 'rules' in access) for (const line of accessLines(access)) print(`  ${line}`);
  } else if (outcome === 'method_not_allowed') {
    print(`${red('✗')} ${request} → 405: no route takes the method; ${explained.allow.join(', ')} would be taken`);
  } else print(`${red('✗')} ${request} → 404: no route takes it`);
  const others = routes.filter((route) => route.outcome !== 'won');
  if (others.length === 0) return;
  print(dim(outcome === 'route' ? '\nWhy no other' : '\nWhy none'));
  print(columns(others.map(({ name, reason }) => [name, reason])));
}

function wonBy({ route, to, params, routes }: Explained): string {
  const lines = [`route ${paintFor(process.stdout).bold(route ?? '')}${to === undefined ? '' : ` → ${to}`}`];
  const won = routes.find(({ outcome }) => outcome === 'won');
  if (won) lines.push(`  ${won.reason}`);
  for (const [name, value] of Object.entries(params)) lines.push(`  :${name} is ${value}`);
  return lines.join('\n');
}

/** What a caller needs, in a line or a few. */
function accessLines({ credential, methods, needs, rules }: RouteAccessExplained): string[] {
  const lists: readonly [string, readonly string[]][] = [
    ['one of the roles', needs.oneOfRoles],
    ['all permissions of', needs.permissions],
    ['all scopes of', needs.scopes],
  ];
  const wanted = lists.filter(([, names]) => names.length > 0).map(([what, names]) => `${what} ${names.join(', ')}`);
  const by = credential === 'none' ? '' : ` (${methods.join(', ')})`;
  const ruled = rules.filter(({ rule, reason }) => rule !== null || reason.startsWith('rules'));
  return [
    [`credential: ${credential}${by}`, ...wanted].join('; '),
    ...ruled.map(({ rule, reason }) => {
      const roles = rule === null || rule.roles.length === 0 ? '' : `; one of the roles ${rule.roles.join(', ')}`;
      const permissions =
        rule === null || rule.permissions.length === 0 ? '' : `; all permissions of ${rule.permissions.join(', ')}`;
      return `${reason}${roles}${permissions}`;
    }),
  ];
}
