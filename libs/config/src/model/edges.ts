import { boolean, list, object, optional, type Out, required, text, wait, withDefault } from '../schema/index.js';
import { cidr, headerName, method } from './values.js';

function checkOrigin(value: string): string | undefined {
  if (value === '*') return undefined;
  if (!URL.canParse(value)) return 'it is not an origin';
  const url = new URL(value);
  if (url.origin === 'null') return 'it must begin with http:// or https://';
  return url.href === `${url.origin}/` && !value.includes('*') ? undefined : 'an origin is a scheme, a host and a port';
}

const origin = text({
  words: 'origin',
  check: checkOrigin,
  allowed: 'an origin such as https://app.example.com, or * for any',
}).to(
  (value) => (value === '*' || value === '' ? value : new URL(value).origin),
  (value) => value,
);

export const cors = object({
  origins: required(list(origin, { min: 1 }), 'Origins that may read answers, exactly; or `*` for any.', {
    example: ['https://app.example.com'],
  }),
  methods: withDefault(list(method), ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], 'Methods that a preflight allows.'),
  headers: withDefault(
    list(headerName),
    ['content-type', 'authorization', 'x-api-key'],
    'Request headers that a preflight allows.',
  ),
  expose: withDefault(list(headerName), ['x-request-id'], 'Response headers that a script may read.'),
  credentials: optional(
    boolean(),
    'Whether cookies and credentials may come along. Default: true, except with the origin `*`, which forbids it.',
    { example: true },
  ),
  maxAge: withDefault(wait({ min: 0 }), '10m', 'How long a browser may remember a preflight.'),
});
export type DeclaredCors = Out<typeof cors>;

export const ipRules = object({
  allow: withDefault(list(cidr), [], 'When not empty, only these may come in.', { example: ['10.0.0.0/8'] }),
  deny: withDefault(list(cidr), [], 'These may not; wins over `allow`.', { example: ['203.0.113.0/24'] }),
});
export type IpRules = Out<typeof ipRules>;
