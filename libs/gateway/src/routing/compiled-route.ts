import { type FieldError } from '#kernel';
import { parseHost, type RouteHost } from './host-name.js';
import { parsePath, type PathPattern } from './path-pattern.js';
import { compileRegex } from './regex.js';
import { type RoutableRoute } from './routable-route.js';
import { compileMatchers, type ValueMatcher } from './value-matcher.js';

export interface CompiledRoute<R extends RoutableRoute> {
  readonly route: R;
  /** Where it stands in the file. */
  readonly index: number;
  readonly hosts: readonly RouteHost[];
  readonly path: PathPattern;
  readonly headers: readonly ValueMatcher[];
  readonly query: readonly ValueMatcher[];
}

/** What is wrong with a route as far as the table is concerned, each mistake with its key; whether a regex is safe is checked elsewhere. */
export function checkRoute(route: RoutableRoute): FieldError[] {
  const mistakes: FieldError[] = [];
  const path = parsePath(route.path);
  if (typeof path === 'string') mistakes.push({ path: 'path', message: path });
  for (const [i, written] of route.hosts.entries()) {
    const host = parseHost(written);
    if (typeof host === 'string') mistakes.push({ path: `hosts[${i}]`, message: host });
  }
  for (const key of ['headers', 'query'] as const) {
    for (const [name, wanted] of Object.entries(route[key])) {
      const regex = wanted.kind === 'regex' ? compileRegex(wanted.value) : null;
      if (typeof regex === 'string') mistakes.push({ path: `${key}.${name}`, message: regex });
    }
  }
  return mistakes;
}

export function compileRoute<R extends RoutableRoute>(route: R, index: number): CompiledRoute<R> {
  const path = parsePath(route.path);
  const hosts = route.hosts.map(parseHost);
  if (typeof path === 'string' || !hosts.every((host) => typeof host !== 'string')) {
    const mistakes = checkRoute(route).map((mistake) => `${mistake.path}: ${mistake.message}`);
    throw new Error(`The route "${route.name}" cannot be compiled: ${mistakes.join('; ')}.`);
  }
  return {
    route,
    index,
    hosts,
    path,
    headers: compileMatchers(route.headers, true),
    query: compileMatchers(route.query, false),
  };
}
