import { type JwtConfig } from '#config';
import { type Principal } from '#kernel';

export type ClaimNames = JwtConfig['claims'];
export type Claims = Readonly<Record<string, unknown>>;

const LONGEST_NAME = 256;
const MOST_ENTRIES = 256;

/** What a consumer that the configuration declares brings to the tokens that name it. */
export interface DeclaredConsumer {
  readonly roles: readonly string[];
  readonly plan: string | null;
}

/** Who a verified token says is calling; null when it names nobody. */
export function principalOf(
  claims: Claims,
  names: ClaimNames,
  declared: ReadonlyMap<string, DeclaredConsumer>,
): Principal | null {
  const consumer = claimAt(claims, names.consumer);
  if (!isName(consumer)) return null;
  const known = declared.get(consumer);
  const subject = claims['sub'];
  return {
    consumer,
    id: consumer,
    roles: [...new Set([...(known?.roles ?? []), ...words(claimAt(claims, names.roles))])],
    scopes: words(claimAt(claims, names.scopes)),
    plan: known?.plan ?? null,
    credential: `jwt:${consumer}`,
    user: isName(subject) ? subject : null,
    claims,
  };
}

/**
 * Logs, stores and upstreams are told of it: nobody is called by a NUL or a line break, nor by half a character, which
 * would be written as another name is.
 */
function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME && !CONTROL.test(value);
}

const CONTROL = /[\0-\x1f\x7f]|\p{Surrogate}/u;

/** By its whole name first, since names may be URLs; else a dot goes deeper. */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Claims)[step];
  }
  return value;
}

/** A list of words, or words with spaces between them, as RFC 8693 writes scopes. What is neither grants nothing. */
function words(value: unknown): readonly string[] {
  const list: readonly unknown[] = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  return list
    .filter((word): word is string => typeof word === 'string' && word !== '' && word.length <= LONGEST_NAME)
    .slice(0, MOST_ENTRIES);
}
