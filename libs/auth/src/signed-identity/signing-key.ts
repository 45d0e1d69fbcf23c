import { createPublicKey, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import { privateKey } from '#config';

/** The public half, as a key set has it. */
export interface PublicJwk {
  readonly kid: string;
  readonly alg: 'ES256' | 'EdDSA';
  readonly [member: string]: string;
}

/** A key that identities are signed with. */
export class SigningKey {
  private readonly head: string;

  private constructor(
    private readonly key: KeyObject,
    readonly jwk: PublicJwk,
  ) {
    this.head = encoded({ alg: jwk.alg, kid: jwk.kid, typ: 'JWT' });
  }

  /** PEM, or a JWK as JSON; on P-256 or Ed25519, which decides how it signs. Its name is its thumbprint (RFC 7638). */
  static read(written: string): SigningKey {
    const key = privateKey(written);
    const { kty = '', crv = '', x = '', y } = createPublicKey(key).export({ format: 'jwk' });
    const members = { crv, kty, x, ...(y !== undefined && { y }) };
    const kid = hash('sha256', JSON.stringify(members), 'base64url');
    return new SigningKey(key, { ...members, kid, alg: kty === 'EC' ? 'ES256' : 'EdDSA', use: 'sig' });
  }

  /** The private half of a new one, as PEM. */
  static make(): string {
    const { privateKey: made } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return made.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** The private half. */
  pem(): string {
    return this.key.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** As a compact JWS. */
  sign(claims: object): string {
    const text = `${this.head}.${encoded(claims)}`;
    const bytes = Buffer.from(text);
    const signature =
      this.jwk.alg === 'EdDSA'
        ? sign(null, bytes, this.key)
        : sign('sha256', bytes, { key: this.key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
