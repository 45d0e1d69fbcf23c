/** What the head of a token says that decides how it is verified. */
export interface TokenHead {
  readonly alg: string;
  readonly kid: string | null;
}

const LONGEST = 8192;
const LONGEST_KID = 512;
const TYPES = new Set(['jwt', 'application/jwt', 'at+jwt', 'application/at+jwt']);

/**
 * Reads the head of a signed token, strictly: what is not exactly a compact JWS of the kinds that we take is null. Members
 * by which a token would bring or name its own key (`jwk`, `jku`, `x5c`, `x5u`) are not read; extensions that a verifier
 * must understand (`crit`) are refused, since we understand none.
 */
export function readHead(token: string): TokenHead | null {
  if (token.length > LONGEST) return null;
  const parts = token.split('.');
  const [head = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || ![head, payload, signature].every(isCanonical)) return null;
  const members = jsonObject(head);
  if (members === null || jsonObject(payload) === null) return null;
  const { alg, kid, typ } = members;
  if (typeof alg !== 'string' || 'crit' in members || 'b64' in members || 'enc' in members || 'zip' in members) {
    return null;
  }
  if (typ !== undefined && !(typeof typ === 'string' && TYPES.has(typ.toLowerCase()))) return null;
  if (kid !== undefined && !(typeof kid === 'string' && kid.length <= LONGEST_KID)) return null;
  return { alg, kid: kid ?? null };
}

/** Not empty, the URL-safe alphabet without padding, and no bits set that decoding would lose: one token, one spelling. */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;
}

function jsonObject(part: string): Record<string, unknown> | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(part, 'base64url'));
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    // No prototype: a member called __proto__ or constructor is one like any other.
    return Object.assign(Object.create(null) as Record<string, unknown>, value);
  } catch {
    return null;
  }
}
