import { normalizePath } from './normalize-path.js';
import { compileRegex, literalPrefix } from './regex.js';
import { type RoutePath } from './routable-route.js';

/** The path of a route, parsed: what the tree stores and what precedence compares. */
export interface PathPattern {
  /** As written, for people. */
  readonly source: RoutePath;
  /** The parts in order, as the tree walks them. A prefix ends in `below`, a `*` in `rest`. */
  readonly parts: readonly PathPart[];
  readonly params: readonly PathParam[];
  /** How much of the path is spelled out; longer goes first. */
  readonly literalLength: number;
  readonly wildcard: boolean;
  readonly regex: RegExp | null;
}

export type PathPart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'param' }
  /** The path ends here, or a slash follows. */
  | { readonly kind: 'below' }
  /** Anything may follow, also nothing. */
  | { readonly kind: 'rest' };

export interface PathParam {
  readonly name: string;
  /** Which segment of the path holds it, from 0. */
  readonly segment: number;
}

const PARAM_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The pattern, or what is wrong with the path as it is written in the configuration. */
export function parsePath(source: RoutePath): PathPattern | string {
  if (source.kind === 'regex') return parseRegex(source);
  const mistake = mistakeIn(source.value);
  if (mistake !== undefined) return mistake;
  const path = normalizePath(source.value.replace(/[^!-~]/gu, encodeURIComponent));
  if (typeof path !== 'string') return path.detail;
  if (source.kind === 'pattern') return parseSegments(source, path);
  const exact = source.kind === 'exact';
  const text = exact ? path : path.replace(/\/$/, '');
  const ends: PathPart[] = exact ? [] : [{ kind: text === '' ? 'rest' : 'below' }];
  return {
    source,
    parts: [{ kind: 'literal', text: text || '/' }, ...ends],
    params: [],
    literalLength: Math.max(text.length, 1),
    wildcard: !exact,
    regex: null,
  };
}

function parseSegments(source: RoutePath, path: string): PathPattern | string {
  const segments = path.split('/').slice(1);
  const parts: PathPart[] = [];
  const params: PathParam[] = [];
  let literal = '';
  let literalLength = 0;
  let wildcard = false;
  for (const [i, segment] of segments.entries()) {
    literal += '/';
    if (segment.startsWith(':')) {
      const name = segment.slice(1);
      if (!PARAM_NAME.test(name) || name === '__proto__') {
        return `"${segment}" is not a parameter: write ":" and a name of letters, digits and "_" for the whole segment`;
      }
      if (params.some((param) => param.name === name)) return `the parameter ":${name}" stands there twice`;
      parts.push({ kind: 'literal', text: literal }, { kind: 'param' });
      params.push({ name, segment: i });
      literalLength += literal.length;
      literal = '';
    } else if (segment === '*' && i === segments.length - 1) {
      wildcard = true;
    } else if (segment.includes('*')) {
      return `"*" stands for everything below and can only be the last segment; write ":name" for one segment, %2A for the character`;
    } else {
      literal += segment;
    }
  }
  if (literal !== '') parts.push({ kind: 'literal', text: literal });
  if (wildcard) parts.push({ kind: 'rest' });
  return { source, parts, params, literalLength: literalLength + literal.length, wildcard, regex: null };
}

function parseRegex(source: RoutePath): PathPattern | string {
  const regex = compileRegex(source.value);
  if (typeof regex === 'string') return regex;
  const text = literalPrefix(source.value);
  return {
    source,
    parts: [{ kind: 'literal', text }, { kind: 'rest' }],
    params: [],
    literalLength: 0,
    wildcard: true,
    regex,
  };
}

/** A request's path is normalised before it is matched, so a route's that is not normal would never match. */
function mistakeIn(value: string): string | undefined {
  if (!value.startsWith('/')) return 'a path starts with "/"';
  if (value.includes('?')) return 'a path has no query: match on it with "query"';
  const segments = value.replace(/%2e/gi, '.').split('/').slice(1);
  if (segments.slice(0, -1).includes('')) return 'a path with "//" matches nothing: slashes are merged before routing';
  if (segments.includes('.') || segments.includes('..')) {
    return 'a path with "." or ".." segments matches nothing: they are removed before routing';
  }
  return /\p{Surrogate}/u.test(value) ? 'the path is not valid Unicode' : undefined;
}
