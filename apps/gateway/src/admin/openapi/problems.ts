import { type ErrorCode, errorCatalogue, PROBLEM_TYPE_BASE } from '#kernel';
import { type Need } from '../needs.js';
import { type Description } from './description.js';
import { list, map, named, type Shape, text, whole } from './shapes.js';

const CODES = Object.keys(errorCatalogue) as readonly ErrorCode[];

export const PROBLEM_SCHEMAS: Readonly<Record<string, Shape>> = {
  Problem: map(
    {
      type: text(`\`${PROBLEM_TYPE_BASE}\` and the code.`),
      title: text('The same for every error of a code.'),
      status: whole(),
      detail: text('What happened this time, and what to do.'),
      code: { enum: CODES, description: 'What programs should look at.' },
      requestId: text('Also in `X-Request-Id`, and in the log.'),
      instance: text('The path that was asked for.'),
      'errors?': list(named('FieldError'), 'Each mistake in what was sent.'),
    },
    'RFC 9457.',
  ),
  FieldError: map({ path: text('Where.'), message: text('What is wrong there.') }),
};

/** What an operation may refuse, by status: what all of its kind do, and what it says itself. */
export function problemsOf(
  method: string,
  needs: Need | null,
  { body, query, problems = [] }: Description,
): Map<number, ErrorCode[]> {
  const codes: ErrorCode[] = [...problems];
  if (needs !== 'nothing')
    codes.push('authentication_required', 'invalid_credentials', 'rate_limited', 'store_unavailable');
  if (needs !== 'nothing' && needs !== 'a credential') codes.push('forbidden');
  if (query !== undefined || body !== undefined) codes.push('validation_failed');
  if (body !== undefined) codes.push('bad_request', 'request_timeout', 'body_too_large', 'unsupported_media_type');
  if (method !== 'GET') codes.push('store_unavailable');
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of CODES.filter((each) => codes.includes(each))) {
    const { status } = errorCatalogue[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return byStatus;
}

/** The same refusals are described once: this is what they stand under. */
export function nameOfProblems(codes: readonly ErrorCode[]): string {
  return codes.join('.');
}

export function problemResponse(codes: readonly ErrorCode[]): Shape {
  const said = codes.map((code) => `\`${code}\`: ${errorCatalogue[code].doc}`);
  const [first] = codes;
  const status = first === undefined ? 0 : errorCatalogue[first].status;
  return {
    description: said.join('\n\n'),
    ...(status === 401 && {
      headers: { 'WWW-Authenticate': { schema: text(), description: 'How to show a credential.' } },
    }),
    ...(status === 429 && { headers: { 'Retry-After': { schema: whole(), description: 'Seconds.' } } }),
    content: {
      'application/problem+json': {
        schema: { allOf: [named('Problem'), { properties: { status: { const: status }, code: { enum: codes } } }] },
      },
    },
  };
}

/** Whatever else goes wrong. */
export const OTHER_PROBLEMS = {
  description: 'Another problem; the `code` says which.',
  content: { 'application/problem+json': { schema: named('Problem') } },
};
