import { type Exchange } from '#kernel';
import { type JwtVerifier } from '../tokens/jwt-verifier.js';
import { authorizationOf } from './authorization.js';
import { type Method, type Outcome } from './method.js';

/** Tokens in `Authorization: Bearer`. */
export class JwtMethod implements Method<string> {
  readonly name = 'jwt';
  readonly challenge = 'Bearer realm="aegis"';

  constructor(private readonly verifier: JwtVerifier) {}

  credentialIn(exchange: Exchange): string | null {
    return authorizationOf(exchange, 'bearer');
  }

  verify(token: string): Outcome | Promise<Outcome> {
    return this.verifier.verify(token);
  }
}
