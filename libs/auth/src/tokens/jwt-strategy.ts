import { Strategy } from 'passport-jwt';
import { type Exchange } from '#kernel';
import { authorizationOf } from '../methods/authorization.js';
import { type Outcome, Rejected } from '../methods/method.js';
import { type JwtVerifier } from './jwt-verifier.js';

/** What Passport gives a strategy to say how it ended. */
interface Ends {
  success(outcome: Outcome): void;
  fail(outcome: Outcome): void;
  error(thrown: unknown): void;
}

const NO_TOKEN = new Rejected('There is no token in Authorization.');

/**
 * passport-jwt's strategy with `jose` underneath (ADR 16). Its shape is Passport's: the token is taken out of a request, and
 * the end is a success, a failure or an error. Which key may have signed it, and whether that one has, is for `JwtVerifier`,
 * which stands where `jsonwebtoken` stands else.
 */
export class JwtStrategy extends Strategy {
  constructor(private readonly verifier: JwtVerifier) {
    super({ jwtFromRequest: tokenIn, secretOrKeyProvider: neverAsked }, neverAsked);
  }

  override authenticate(this: JwtStrategy & Ends, exchange: unknown): void {
    const token = tokenIn(exchange as Exchange);
    const outcome = token === null ? NO_TOKEN : this.verifier.verify(token);
    if (!(outcome instanceof Promise)) end(this, outcome);
    else outcome.then((settled) => end(this, settled)).catch((thrown: unknown) => this.error(thrown));
  }

  /** Runs it as Passport does: on an object of this request's own, which hears how it ends. Without waiting, where that is known. */
  outcomeFor(exchange: Exchange): Outcome | Promise<Outcome> {
    const attempt = Object.create(this) as Ends & { authenticate(exchange: Exchange): void };
    let known = null as Outcome | null;
    attempt.success = attempt.fail = (outcome) => (known = outcome);
    attempt.authenticate(exchange);
    if (known !== null) return known;
    return new Promise((resolve, reject) => {
      attempt.success = attempt.fail = resolve;
      attempt.error = reject;
    });
  }
}

function end(attempt: Ends, outcome: Outcome): void {
  if (outcome instanceof Rejected) attempt.fail(outcome);
  else attempt.success(outcome);
}

function tokenIn(exchange: Exchange): string | null {
  return authorizationOf(exchange, 'bearer');
}

function neverAsked(): never {
  throw new Error('passport-jwt asked for a key or a user: JwtVerifier knows both');
}
