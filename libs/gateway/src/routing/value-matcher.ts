import { type HeaderSource, type ValueMatch } from './routable-route.js';

/** One header field or query parameter that a route asks for. */
export interface ValueMatcher {
  readonly name: string;
  readonly wanted: ValueMatch;
  readonly regex: RegExp | null;
}

/** In the order of their names, so that two routes that ask for the same compare alike. */
export function compileMatchers(wanted: Readonly<Record<string, ValueMatch>>, lowerCase: boolean): ValueMatcher[] {
  return Object.entries(wanted).map(([name, match]) => ({
    name: lowerCase ? name.toLowerCase() : name,
    wanted: match,
    regex: match.kind === 'regex' ? new RegExp(match.value) : null,
  }));
}

export function valueMatches(matcher: ValueMatcher, value: string | undefined): boolean {
  if (value === undefined) return false;
  if (matcher.regex) return matcher.regex.test(value);
  return matcher.wanted.kind === 'present' || matcher.wanted.value === value;
}

/** Several fields of one name count as one, joined by commas (RFC 9110, 5.3). */
export function headerValue(source: HeaderSource, name: string): string | undefined {
  const { headers } = source;
  if (!Object.hasOwn(headers, name)) return undefined;
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}

/** Of several parameters of one name the first counts. `query` with its `?`, or empty. */
export function queryValue(query: string, name: string): string | undefined {
  if (/[%+]/.test(query) || /^$|[=&]/.test(name)) return new URLSearchParams(query).get(name) ?? undefined;
  let start = 1;
  while (start < query.length) {
    const next = query.indexOf('&', start);
    const end = next === -1 ? query.length : next;
    if (query.startsWith(name, start)) {
      const after = start + name.length;
      if (after === end) return '';
      if (after < end && query.charCodeAt(after) === EQUALS) return query.slice(after + 1, end);
    }
    start = end + 1;
  }
  return undefined;
}

const EQUALS = 0x3d;
