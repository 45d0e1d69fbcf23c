import { type RouteConfig } from '#config';
import { asPrefix, below, joined, type PathSource } from './path-change.js';
import { compileTemplate } from './path-template.js';

/** What the upstream is asked for instead. */
export interface Rewrite {
  readonly path: (source: PathSource) => string;
  /** What `path` takes off the front of this path, for `X-Forwarded-Prefix`; empty when that is nothing. */
  readonly prefixTaken: (path: string) => string;
  /** The `Host` for the upstream, of the client's and the target's. */
  readonly host: (client: string, target: string) => string;
}

/**
 * `stripPrefix` is taken off by segment, where the path is below it, and `prefix` is put before what remains; together they
 * are the Gateway API's ReplacePrefixMatch, trailing slashes included. This works on whatever path the route matched, that
 * of a regular expression too. A template stands for the whole path (see `compileTemplate`).
 */
export function compileRewrite(route: Pick<RouteConfig, 'name' | 'path' | 'rewrite'>): Rewrite {
  const { rewrite } = route;
  const host = hostChoice(rewrite.host);
  if (rewrite.path !== null) {
    const template = compileTemplate(rewrite.path, route.path);
    if (typeof template === 'string') throw new Error(`The route "${route.name}": rewrite.path: ${template}.`);
    return { path: template, prefixTaken: nothing, host };
  }
  const strip = asPrefix(rewrite.stripPrefix ?? '/');
  const prefix = (rewrite.prefix ?? '').replace(/\/$/, '');
  if (strip === '') {
    const path = prefix === '' ? unchanged : (source: PathSource) => prefix + source.path;
    return { path, prefixTaken: nothing, host };
  }
  return {
    path: (source) => joined(prefix, below(source.path, strip) ?? source.path),
    prefixTaken: (path) => (below(path, strip) === undefined ? '' : strip),
    host,
  };
}

function hostChoice(wanted: RouteConfig['rewrite']['host']): Rewrite['host'] {
  if (wanted.kind === 'name') {
    const { value } = wanted;
    return () => value;
  }
  return wanted.kind === 'preserve' ? (client) => client : (_client, target) => target;
}

const nothing = (): string => '';
const unchanged = (source: PathSource): string => source.path;
