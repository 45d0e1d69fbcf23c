import { type Exchange } from '#kernel';
import { type TokenVerifier } from '../oauth2/token-verifier.js';
import { authorizationOf } from './authorization.js';
import { type Method, type Outcome } from './method.js';

const LONGEST = 8192;

interface Credential {
  readonly token: string;
  readonly address: string;
}

/** Access tokens of the issuer that `auth.oauth2` names, in `Authorization: Bearer`. */
export class OAuth2Method implements Method<Credential> {
  readonly name = 'oauth2';
  readonly challenge = 'Bearer realm="aegis"';

  constructor(
    private readonly verifier: TokenVerifier,
    /** Other methods take tokens too: what is not plainly of this issuer is left to them. */
    private readonly shares: boolean,
  ) {}

  credentialIn(exchange: Exchange): Credential | null {
    const token = authorizationOf(exchange, 'bearer');
    if (token === null || (this.shares && !this.isOurs(token))) return null;
    return { token, address: exchange.clientIp };
  }

  verify({ token, address }: Credential): Outcome | Promise<Outcome> {
    return this.verifier.verify(token, address);
  }

  private isOurs(token: string): boolean {
    const parts = token.split('.');
    if (parts.length !== 3) return this.verifier.introspects;
    if (token.length > LONGEST) return false;
    try {
      const claims = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString()) as { iss?: unknown } | null;
      return claims?.iss === this.verifier.issuerName;
    } catch {
      return false;
    }
  }
}
