import { type Exchange } from '#kernel';
import { JwtStrategy } from '../tokens/jwt-strategy.js';
import { type JwtVerifier } from '../tokens/jwt-verifier.js';
import { authorizationOf } from './authorization.js';
import { type Method, type Outcome } from './method.js';

/** Tokens in `Authorization: Bearer`. */
export class JwtMethod implements Method<Exchange> {
  readonly name = 'jwt';
  readonly challenge = 'Bearer realm="aegis"';
  private readonly strategy: JwtStrategy;

  constructor(verifier: JwtVerifier) {
    this.strategy = new JwtStrategy(verifier);
  }

  credentialIn(exchange: Exchange): Exchange | null {
    return authorizationOf(exchange, 'bearer') === null ? null : exchange;
  }

  verify(exchange: Exchange): Outcome | Promise<Outcome> {
    return this.strategy.outcomeFor(exchange);
  }
}
