/**
 * What an attacker sends and what has to come of it. `/1`, `/2` … are requests that may be made, in that order; `/evil` is
 * one that must never be.
 */
export type Case = readonly [
  name: string,
  bytes: string,
  /** The final answers in order: `200`s are given by the upstream, all else by the gateway, which closes after it. */
  answers: readonly number[],
  upstream?: {
    /** The fields that the upstream must have got with `/1`, as `name: value`, … */
    readonly has?: readonly string[];
    /** … and names that it must not have got. */
    readonly lacks?: readonly string[];
    readonly body?: string;
  },
];

export const EVIL = 'GET /evil HTTP/1.1\r\nHost: h\r\n\r\n';

/** A request with the fields that are given, a Host before them, and nothing else. */
export function head(line: string, ...fields: readonly string[]): string {
  return `${line} HTTP/1.1\r\nHost: h\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
}

export function post(...fields: readonly string[]): string {
  return head('POST /1', ...fields);
}

export function get(...fields: readonly string[]): string {
  return head('GET /1', ...fields);
}

export const SERVED = [200] as const;
export const REFUSED = [400] as const;
/** What comes after the first request is malformed. */
export const SERVED_ONCE = [200, 400] as const;
/** The gateway waits for bytes that never come. */
export const TIMED_OUT = [408] as const;
