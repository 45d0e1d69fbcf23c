import { type Config, reservedPaths, type RouteConfig } from '#config';
import { explainRequest, type RequestExplanation, RouteTable } from '#gateway';
import { Refusal } from '#kernel';
import { type ConfigOptions, loadValid } from '../config-file.js';
import { CliError, EXIT, type ExitCode } from '../exit.js';
import { ask, type LiveOptions } from '../live-gateway.js';
import { readRequest, type RouteRequest } from '../route-request.js';
import { columns, count, paintFor, print, printJson } from '../terminal.js';

export interface RoutesOptions extends ConfigOptions, LiveOptions {
  readonly match?: string;
  readonly header: readonly string[];
  readonly live?: boolean;
  readonly json?: boolean;
}

/** The part of a route that a file and a running gateway both tell. */
interface ListedRoute {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly path: { readonly kind: string; readonly value: string };
  readonly methods: readonly string[];
  readonly priority: number;
  /** What becomes of a request; a running gateway does not say. */
  readonly to?: string;
}

/** Which routes there are, or which of them takes a request and why the others do not. */
export async function routes(options: RoutesOptions): Promise<ExitCode> {
  if (options.match !== undefined) {
    const request = readRequest(options.match, options.header);
    return options.live === true ? await explainLive(options, request) : explainFile(options, request);
  }
  if (options.header.length > 0) throw new CliError(EXIT.usage, '-H belongs to a request: say which with --match.');
  const items = options.live === true ? await listLive(options) : listFile(options);
  if (options.json === true) printJson({ items });
  else printList(items);
  return EXIT.fine;
}

async function listLive(options: RoutesOptions): Promise<readonly ListedRoute[]> {
  return (await ask<{ items: ListedRoute[] }>(options, 'GET', '/_aegis/routes')).items;
}

function listFile(options: RoutesOptions): readonly ListedRoute[] {
  const { config } = loadValid(options);
  return new RouteTable(config.gateway.routes).routes.map(({ route }) => {
    const { name, hosts, path, methods, priority } = route;
    return { name, hosts, path, methods, priority, to: destination(route, config) };
  });
}

function destination({ upstreams, redirect }: RouteConfig, { gateway }: Config): string {
  if (upstreams.length === 0) return redirect === undefined ? 'answers by itself' : `redirect ${redirect.status}`;
  const total = upstreams.reduce((sum, { weight }) => sum + weight, 0);
  const shares = upstreams.map(({ upstream, weight }) => {
    const name = nameOf(upstream, gateway);
    return upstreams.length === 1 ? name : `${name} ${Math.round((100 * weight) / total)}%`;
  });
  return shares.join(', ');
}

/** An upstream that a route names by its URL is told by that URL. */
function nameOf(name: string, { upstreams }: Config['gateway']): string {
  const found = upstreams.find((upstream) => upstream.name === name);
  return found?.implicit === true ? (found.targets[0]?.url ?? name) : name;
}

function printList(items: readonly ListedRoute[]): void {
  const { dim } = paintFor(process.stdout);
  const rows = items.map(({ name, methods, hosts, path, to }) => [
    name,
    methods.length === 0 ? 'any method' : methods.join(' '),
    hosts.length === 0 ? 'any host' : hosts.join(' '),
    `${path.kind} ${path.value}`,
    ...(to === undefined ? [] : [`→ ${to}`]),
  ]);
  print(`${count(items.length, 'route')}${items.length > 1 ? ', the one that goes first on top' : ''}\n`);
  print(columns(rows));
  print(dim('\nWhich one takes a request: aegis routes --match "GET http://host/path"'));
}

function explainFile(options: RoutesOptions, request: RouteRequest): ExitCode {
  const { config } = loadValid(options);
  const explanation = explained(() =>
    explainRequest(
      { routes: new RouteTable(config.gateway.routes) },
      request.method,
      request.url,
      request.headers,
    ),
  );
  const reserved = reservedPaths(config)(explanation.path);
  const won = config.gateway.routes.find(({ name }) => name === explanation.route);
  const to = won === undefined ? null : destination(won, config);
  return tell({ ...explanation, reserved }, to, options);
}

async function explainLive(options: RoutesOptions, { method, url, headers }: RouteRequest): Promise<ExitCode> {
  const query = new URLSearchParams({ method, url });
  for (const [name, value] of Object.entries(headers)) query.append('header', `${name}: ${value}`);
  const explanation = await ask<RequestExplanation>(options, 'GET', `/_aegis/explain?${query.toString()}`);
  return tell({ ...explanation, reserved: false }, null, options);
}

/** What is no request at all is told as the gateway would tell it. */
function explained(explain: () => RequestExplanation): RequestExplanation {
  try {
    return explain();
  } catch (thrown) {
    if (thrown instanceof Refusal) throw new CliError(EXIT.no, `Refused with ${thrown.status} ${thrown.code}: ${thrown.detail}`);
    throw thrown;
  }
}

function tell(
  explanation: RequestExplanation & { readonly reserved: boolean },
  to: string | null,
  { json = false }: RoutesOptions,
): ExitCode {
  const { outcome, reserved } = explanation;
  if (json) printJson(explanation);
  else printExplanation(explanation, to);
  return outcome === 'route' && !reserved ? EXIT.fine : EXIT.no;
}

function printExplanation(
  { method, host, path, outcome, route, allow, params, routes, reserved }: RequestExplanation & { readonly reserved: boolean },
  to: string | null,
): void {
  const { bold, dim, green, red } = paintFor(process.stdout);
  const request = `${method} ${host}${path}`;
  if (reserved) {
    print(`${request} → ${bold('Aegis itself')}: ${path} is a reserved path, no route is asked.`);
    return;
  }
  const others = routes.filter(({ outcome }) => outcome !== 'won');
  const won = routes.find(({ outcome }) => outcome === 'won');
  if (outcome === 'route') {
    print(`${green('✓')} ${request} → ${bold(route ?? '')}${to === null ? '' : ` → ${to}`}`);
    if (won !== undefined) print(`  ${won.reason}`);
    for (const [name, value] of Object.entries(params)) print(`  :${name} is ${value}`);
  } else if (outcome === 'method_not_allowed') {
    print(`${red('✗')} ${request} → 405: no route takes the method; ${allow.join(', ')} would be taken`);
  } else print(`${red('✗')} ${request} → 404: no route takes it`);
  if (others.length === 0) return;
  print(dim(outcome === 'route' ? '\nWhy not the others' : '\nWhy not'));
  print(columns(others.map(({ name, reason }) => [name, reason])));
}
