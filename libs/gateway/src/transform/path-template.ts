import { type RoutePath } from '../routing/routable-route.js';
import { type PathSource, slashBefore, starSegment } from './path-change.js';

export type PathTemplate = (source: PathSource) => string;

const PARAM = /^:([A-Za-z_][A-Za-z0-9_]*)(.*)$/s;

/**
 * A path that may use what the route's path matched: a segment that begins with `:name` has the parameter's text there, and
 * a last `*` is what the pattern's own `*` took. Parameters are put in as they stand in the request's normalised path: one
 * segment, never `.` or `..`, with `%2F` still encoded, so that no request can give the result another shape.
 *
 * The template compiled, or what is wrong with it for a route with this path.
 */
export function compileTemplate(template: string, matched: RoutePath): PathTemplate | string {
  const known = new Set(paramsOf(matched));
  const star = starSegment(matched);
  const segments = template.split('/').slice(1);
  const ends = segments.at(-1) === '*';
  if (ends && star === undefined) return 'a * here is what the * of the route’s path takes, and that path has none';
  if (ends) segments.pop();

  const literals: string[] = [];
  const names: string[] = [];
  let literal = '';
  for (const segment of segments) {
    literal += '/';
    const [whole, name = '', after = ''] = PARAM.exec(segment) ?? [];
    if (whole === undefined) {
      if (segment.startsWith(':')) return `"${segment}" is not a parameter; write a colon and a name, such as :id`;
      literal += segment;
      continue;
    }
    if (!known.has(name)) return `the route’s path has no parameter :${name}`;
    literals.push(literal);
    names.push(name);
    literal = after;
  }
  if (ends) literal += '/';
  return assembled(literals, names, literal, ends ? star : undefined);
}

function assembled(literals: string[], names: string[], last: string, star: number | undefined): PathTemplate {
  if (names.length === 0 && star === undefined) return () => last;
  return ({ path, params }) => {
    let text = '';
    for (let i = 0; i < names.length; i++) text += (literals[i] ?? '') + (params[names[i] ?? ''] ?? '');
    text += last;
    return star === undefined ? text : text + path.slice(slashBefore(path, star) + 1);
  };
}

function paramsOf({ kind, value }: RoutePath): string[] {
  if (kind !== 'pattern') return [];
  return value
    .split('/')
    .filter((segment) => segment.startsWith(':'))
    .map((segment) => segment.slice(1));
}
