import { hash } from 'node:crypto';
import { type AuthConfig } from '#config';
import { type Clock, type Principal } from '#kernel';
import { BoundedMap } from '../bounded-map.js';
import { SigningKey } from './signing-key.js';

type IdentityConfig = NonNullable<AuthConfig['identity']>;

const MOST_KNOWN = 10_000;

interface Signed {
  readonly audience: string;
  readonly method: string;
  /** The line of the request head. */
  readonly line: string;
  /** Monotonic milliseconds. */
  readonly renewAt: number;
}

/**
 * What upstreams are told of callers in a way that they can verify: a JWT for each caller and audience, used until half of
 * its life is over. It is found by all that it says, so that a consumer that changes gets another; and, since even to
 * write that down costs more than all the rest, first by the principal, which is the same object from one request to the next.
 */
export class IdentityTokens {
  /** Keys of the configuration; the first signs. Empty: those in the database. */
  readonly own: readonly SigningKey[];
  private readonly last = new WeakMap<Principal, Signed>();
  private readonly known = new BoundedMap<string, Signed>(MOST_KNOWN);

  private constructor(
    private readonly config: IdentityConfig,
    private readonly fingerprint: string,
    private readonly clock: Clock,
  ) {
    this.own = config.keys.map((key) => SigningKey.read(key.reveal()));
  }

  /** What was signed before goes on being used where the settings are the same. */
  static of(config: IdentityConfig | null, previous: IdentityTokens | null, clock: Clock): IdentityTokens | null {
    if (config === null) return null;
    const keys = config.keys.map((key) => key.reveal());
    const fingerprint = hash('sha256', JSON.stringify([config, keys]), 'base64');
    return previous?.fingerprint === fingerprint ? previous : new IdentityTokens(config, fingerprint, clock);
  }

  /** How long a token is good, in milliseconds. */
  get lifetime(): number {
    return this.config.lifetime;
  }

  /** How long a key in the database is used, in milliseconds. */
  get rotate(): number {
    return this.config.rotate;
  }

  line(principal: Principal, method: string, audience: string, key: SigningKey): string {
    const now = this.clock.monotonic();
    const last = this.last.get(principal);
    if (last !== undefined && last.audience === audience && last.method === method && now < last.renewAt) {
      return last.line;
    }
    const { consumer, id, roles, scopes, plan, user } = principal;
    const said = { sub: consumer, id, roles, scopes, plan, user, method, aud: audience };
    const text = JSON.stringify(said);
    let signed = this.known.get(text);
    if (signed === undefined || now >= signed.renewAt) {
      signed = { audience, method, line: this.sign(said, key), renewAt: now + this.lifetime / 2 };
      this.known.set(text, signed);
    }
    this.last.set(principal, signed);
    return signed.line;
  }

  private sign(said: object, key: SigningKey): string {
    const iat = Math.floor(this.clock.now() / 1000);
    const claims = { iss: this.config.issuer, ...said, iat, exp: iat + Math.floor(this.lifetime / 1000) };
    return `X-Aegis-Identity: ${key.sign(claims)}\r\n`;
  }
}
