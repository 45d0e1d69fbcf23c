import { type RespondConfig } from '#config';
import { type FixedAnswer } from './fixed-answer.js';

/** The answer of a route that has no upstream, built once. */
export function compileRespond({ status, body, headers }: RespondConfig): FixedAnswer {
  const fields = Object.entries(headers).flat();
  // These end with their head (RFC 9110, 15.3.5, 15.4.5); a body would be taken for the next answer.
  if (status === 204 || status === 304) return { status, headers: fields, body: null };
  const bytes = Buffer.from(status === 205 ? '' : body);
  if (bytes.length > 0 && headers['content-type'] === undefined) {
    fields.push('Content-Type', 'text/plain; charset=utf-8');
  }
  fields.push('Content-Length', String(bytes.length));
  return { status, headers: fields, body: bytes.length === 0 ? null : bytes };
}
