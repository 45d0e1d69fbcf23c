import { reservedPaths } from '#config';
import { explainRequest, type RequestExplanation, RouteTable } from '#gateway';
import { Refusal } from '#kernel';
import { type ConfigOptions, loadValid } from '../config-file.js';
import { CliError, EXIT, type ExitCode } from '../exit.js';
import { ask, type LiveOptions } from '../live-gateway.js';
import { readRequest, type RouteRequest } from '../route-request.js';
import { destination, type Explained, type ListedRoute, printExplanation, printList } from '../routes-shown.js';
import { printJson } from '../terminal.js';

export interface RoutesOptions extends ConfigOptions, LiveOptions {
  readonly match?: string;
  readonly header?: readonly string[];
  readonly live?: boolean;
  readonly json?: boolean;
}

/** Which routes there are, or which of them takes a request and why the others do not. */
export async function routes(options: RoutesOptions): Promise<ExitCode> {
  const { match, header, live = false, json = false } = options;
  if (match === undefined) {
    if (header !== undefined) throw new CliError(EXIT.usage, '-H belongs to a request: say which one with --match.');
    const items = live ? await listLive(options) : await listFile(options);
    if (json) printJson({ items });
    else printList(items);
    return EXIT.fine;
  }
  const request = readRequest(match, header ?? []);
  const explained = live ? await explainLive(options, request) : await explainFile(options, request);
  if (json) printJson(explained);
  else printExplanation(explained);
  return explained.outcome === 'route' && !explained.reserved ? EXIT.fine : EXIT.no;
}

async function listLive(options: LiveOptions): Promise<readonly ListedRoute[]> {
  return (await ask(options, 'GET /_aegis/routes')).items;
}

async function listFile(options: ConfigOptions): Promise<readonly ListedRoute[]> {
  const { gateway } = (await loadValid(options)).config;
  return new RouteTable(gateway.routes).routes.map(({ route }) => {
    const { name, hosts, path, methods, priority } = route;
    return { name, hosts, path, methods, priority, to: destination(route, gateway.upstreams) };
  });
}

async function explainFile(options: ConfigOptions, { method, url, headers }: RouteRequest): Promise<Explained> {
  const { config } = await loadValid(options);
  const { routes, upstreams } = config.gateway;
  const explanation = refusedOr(() => explainRequest({ routes: new RouteTable(routes) }, method, url, headers));
  const won = routes.find(({ name }) => name === explanation.route);
  return {
    ...explanation,
    reserved: reservedPaths(config)(explanation.path),
    ...(won && { to: destination(won, upstreams) }),
  };
}

async function explainLive(options: LiveOptions, { method, url, headers }: RouteRequest): Promise<Explained> {
  const header = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return await ask(options, 'GET /_aegis/explain', { query: { method, url, header } });
}

/** What would be refused before it came to routing is told as the gateway tells it. */
function refusedOr(explain: () => RequestExplanation): RequestExplanation {
  try {
    return explain();
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    throw new CliError(EXIT.no, `Refused with ${thrown.status} ${thrown.code}: ${thrown.detail}`);
  }
}
