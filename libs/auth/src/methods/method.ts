import { type AuthMethod } from '#config';
import { type Exchange, type Principal } from '#kernel';
import { type Stores } from '../stores.js';

/** A credential that was looked at and found wanting. The reason is for the one who sent it. */
export class Rejected {
  constructor(
    readonly reason: string,
    /** Parameters of the challenge that say so, where the scheme has a way to: `error="invalid_token"`. */
    readonly error = '',
  ) {}
}

export type Outcome = Principal | Rejected;

/**
 * One way to show who is calling. What can be answered without waiting is answered without a promise. A store that cannot
 * be asked is a thrown `Refusal`, so that nobody is told that a good credential is wrong.
 */
export interface Method<C = unknown> {
  readonly name: AuthMethod;
  /** How `WWW-Authenticate` asks for it. */
  readonly challenge: string;
  /** Where it is looked for, where that is a matter of configuration: ` in X-API-Key`. */
  readonly place?: string;
  /** null: the request carries no credential of this kind. */
  credentialIn(exchange: Exchange): C | null;
  verify(credential: C, stores: Stores): Outcome | Promise<Outcome>;
}
