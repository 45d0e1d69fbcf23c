import { type IncomingHttpHeaders } from 'node:http';
import { type RateLimitRule } from '#config';

export type HeaderTest = (headers: IncomingHttpHeaders) => boolean;

type HeaderMatches = RateLimitRule['match']['header'];

/** One test for each header that is asked for; names are in lower case. */
export function compileHeaders(matches: HeaderMatches): readonly HeaderTest[] {
  return Object.entries(matches).map(([name, match]): HeaderTest => {
    const regex = match.kind === 'regex' ? new RegExp(match.value) : null;
    return (headers) => {
      if (!Object.hasOwn(headers, name)) return false;
      const field = headers[name];
      const value = typeof field === 'string' ? field : (field?.join(', ') ?? '');
      if (regex) return regex.test(value);
      return match.kind === 'present' || match.value === value;
    };
  });
}
