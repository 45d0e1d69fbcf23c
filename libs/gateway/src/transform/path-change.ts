import { normalizePath } from '../routing/normalize-path.js';
import { type RoutePath } from '../routing/routable-route.js';

/** What a change of a path needs to know of the request. */
export interface PathSource {
  /** Normalised. */
  readonly path: string;
  /** As they are written in `path`, so that none can bring a separator into another path. */
  readonly params: Readonly<Record<string, string>>;
}

/** A path of the configuration in the form that requests have, without the slash at its end: `/` becomes empty. */
export function asPrefix(written: string): string {
  const path = normalizePath(written);
  return (typeof path === 'string' ? path : written).replace(/\/$/, '');
}

/** What follows `prefix` in `path`, empty or from its slash on; undefined when the path is not below it, by segment. */
export function below(path: string, prefix: string): string | undefined {
  if (!path.startsWith(prefix)) return undefined;
  if (path.length === prefix.length) return '';
  return path.charCodeAt(prefix.length) === SLASH ? path.slice(prefix.length) : undefined;
}

/** `rest` is empty or begins with a slash. */
export function joined(prefix: string, rest: string): string {
  return prefix === '' && rest === '' ? '/' : prefix + rest;
}

/**
 * How to find what follows the prefix of a matched path. A prefix is the path that the route was given; of a pattern with
 * `*` it is all that stands before it; whatever else matches, matches as a whole. Undefined for a regular expression.
 */
export function restFinder(matched: RoutePath): ((path: string) => string) | undefined {
  if (matched.kind === 'regex') return undefined;
  if (matched.kind === 'prefix') {
    const prefix = asPrefix(matched.value);
    return (path) => below(path, prefix) ?? '';
  }
  const star = starSegment(matched);
  return star === undefined ? () => '' : (path) => path.slice(slashBefore(path, star));
}

/** Which segment, from 0, the `*` of a pattern stands for; undefined when it has none. */
export function starSegment(matched: RoutePath): number | undefined {
  if (matched.kind !== 'pattern' || !matched.value.endsWith('/*')) return undefined;
  return matched.value.split('/').length - 2;
}

/** Where the slash before that segment stands. */
export function slashBefore(path: string, segment: number): number {
  let slash = 0;
  for (let i = 0; i < segment; i++) slash = path.indexOf('/', slash + 1);
  return slash;
}

const SLASH = 0x2f;
