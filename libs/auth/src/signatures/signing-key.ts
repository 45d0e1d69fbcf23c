import {
  constants,
  createHmac,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  timingSafeEqual,
  verify,
} from 'node:crypto';

/** What one consumer signs with. Its kind says the algorithm; a signature can only agree. */
export interface SigningKey {
  readonly alg: string;
  signed(base: Buffer, signature: Buffer): boolean;
  /** What of a signature nobody can write in another way that holds as well; absent: all of it. */
  once?(signature: Buffer): Buffer;
}

export function sharedSecret(secret: string | Buffer): SigningKey {
  return {
    alg: 'hmac-sha256',
    signed: (base, signature) => {
      const right = createHmac('sha256', secret).update(base).digest();
      return right.length === signature.length && timingSafeEqual(right, signature);
    },
  };
}

/** PEM, or a JWK as JSON. null: no algorithm of RFC 9421 goes with it. */
export function publicSigningKey(text: string): SigningKey | null {
  const key = text.trimStart().startsWith('{')
    ? createPublicKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' })
    : createPublicKey(text);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return { alg: 'ed25519', signed: (base, bytes) => verify(null, base, key, bytes) };
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return ecdsa('ecdsa-p256-sha256', 'sha256', key, 32);
  if (type === 'ec' && details?.namedCurve === 'secp384r1') return ecdsa('ecdsa-p384-sha384', 'sha384', key, 48);
  if (type === 'rsa' || type === 'rsa-pss') {
    // 64 bytes by the RFC; there are implementations that use what their library does by default, and it is as safe.
    const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
    return { alg: 'rsa-pss-sha512', signed: (base, bytes) => verify('sha512', base, pss, bytes) };
  }
  return null;
}

/** A signature is two numbers, `r` and `s`. With another `s`, which needs no key, it holds too; `r` is new for each. */
function ecdsa(alg: string, hash: string, key: KeyObject, size: number): SigningKey {
  const pair = { key, dsaEncoding: 'ieee-p1363' as const };
  return {
    alg,
    signed: (base, bytes) => bytes.length === 2 * size && verify(hash, base, pair, bytes),
    once: (bytes) => bytes.subarray(0, size),
  };
}
