import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { type TokenHead } from './token-head.js';

/** A key, with the algorithms that it may be used with: its type decides, never the token. */
export interface VerificationKey {
  readonly kid: string | null;
  readonly algorithms: ReadonlySet<string>;
  readonly key: KeyObject | Uint8Array;
}

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const HMAC = ['HS256', 'HS384', 'HS512'];
const CURVES: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};
const SMALLEST_RSA = 2048;

export function secretKey(secret: string): VerificationKey {
  return { kid: null, algorithms: new Set(HMAC), key: Buffer.from(secret) };
}

/** PEM, or a JWK as JSON. */
export function publicKeyOf(text: string): VerificationKey | null {
  if (text.trimStart().startsWith('{')) return jwkKey(JSON.parse(text) as unknown);
  return keyOf(createPublicKey(text), null, null);
}

/** null: not a public key to verify signatures with. A symmetric key in a published set would be no secret. */
export function jwkKey(jwk: unknown): VerificationKey | null {
  if (typeof jwk !== 'object' || jwk === null) return null;
  const { kty, kid, use, alg, key_ops: operations } = jwk as Record<string, unknown>;
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return null;
  if (use !== undefined && use !== 'sig') return null;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return null;
  if (alg !== undefined && typeof alg !== 'string') return null;
  if (kid !== undefined && typeof kid !== 'string') return null;
  try {
    return keyOf(createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }), kid ?? null, alg ?? null);
  } catch {
    return null;
  }
}

function keyOf(key: KeyObject, kid: string | null, alg: string | null): VerificationKey | null {
  const possible = algorithmsFor(key);
  const algorithms = alg === null ? possible : possible.filter((each) => each === (alg === 'Ed25519' ? 'EdDSA' : alg));
  return algorithms.length === 0 ? null : { kid, algorithms: new Set(algorithms), key };
}

function algorithmsFor(key: KeyObject): readonly string[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa') return (details?.modulusLength ?? 0) >= SMALLEST_RSA ? RSA : [];
  if (type === 'ec') return CURVES[details?.namedCurve ?? ''] ?? [];
  return type === 'ed25519' ? ['EdDSA'] : [];
}

/** A token that names its key is verified with keys of that name only, and with those that have none. */
export function suits({ kid, algorithms }: VerificationKey, head: TokenHead): boolean {
  return algorithms.has(head.alg) && (head.kid === null || kid === null || kid === head.kid);
}
