import { hash } from 'node:crypto';
import { type IntrospectionResponse, tokenIntrospection } from 'openid-client';
import { type Clock, type Principal, Refusal } from '#kernel';
import { BoundedMap } from '../bounded-map.js';
import { type Outcome, Rejected } from '../methods/method.js';
import { type ClaimNames, type DeclaredConsumer, principalOf } from '../tokens/claims.js';
import { Turnstile } from '../turnstile.js';
import { type Issuer, reasonOf } from './issuer.js';

const ERROR = 'error="invalid_token"';
const INACTIVE = new Rejected('The token is not active at its issuer.', ERROR);
const NOT_FOR_US = new Rejected('The token is of another issuer or for another audience.', ERROR);
const NOBODY = new Rejected('The token does not name a consumer.', ERROR);

const REFUSED_MS = 10_000;
/** So long a token that was good stays good when the issuer cannot be asked. */
const GRACE_MS = 300_000;
const MOST_REMEMBERED = 10_000;

interface Known {
  readonly outcome: Outcome;
  /** Monotonic milliseconds. */
  readonly askedAt: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Asks the issuer about tokens that say nothing by themselves (RFC 7662). Answers are remembered for a short while and
 * never beyond the end of the token; unknown tokens wait in a bounded queue, with a share for each address.
 */
export class Introspector {
  private readonly known = new BoundedMap<string, Known>(MOST_REMEMBERED);
  private readonly underWay = new Map<string, Promise<Outcome>>();
  private readonly turnstile = new Turnstile({
    atOnce: 20,
    waiting: 200,
    each: 20,
    full: 'Too many tokens are being asked about at the moment.',
  });

  constructor(
    private readonly issuer: Issuer,
    private readonly names: ClaimNames,
    private readonly declared: ReadonlyMap<string, DeclaredConsumer>,
    private readonly clock: Clock,
    private readonly tell: (news: string) => void,
  ) {}

  verify(token: string, address: string): Outcome | Promise<Outcome> {
    const id = hash('sha256', token, 'base64');
    const entry = this.known.get(id);
    if (entry !== undefined) {
      if (entry.expiresAt <= this.clock.now()) return INACTIVE;
      const used = entry.outcome instanceof Rejected ? REFUSED_MS : this.issuer.config.introspectionCache;
      if (this.clock.monotonic() - entry.askedAt < used) return entry.outcome;
    }
    const asked = this.underWay.get(id) ?? this.ask(id, token, address);
    return asked.catch((refusal: unknown) => {
      const age = entry === undefined ? Infinity : this.clock.monotonic() - entry.askedAt;
      if (entry !== undefined && age < GRACE_MS && !(entry.outcome instanceof Rejected)) return entry.outcome;
      throw refusal;
    });
  }

  private ask(id: string, token: string, address: string): Promise<Outcome> {
    const answer = this.turnstile
      .run(address, () => this.introspect(token))
      .then((response) => this.remember(id, response))
      .finally(() => this.underWay.delete(id));
    this.underWay.set(id, answer);
    return answer;
  }

  private async introspect(token: string): Promise<IntrospectionResponse> {
    const configuration = await this.issuer.discovered();
    try {
      return await tokenIntrospection(configuration, token, { token_type_hint: 'access_token' });
    } catch (error) {
      this.tell(`the issuer ${this.issuer.config.issuer} did not say what a token is worth: ${reasonOf(error)}`);
      throw new Refusal('store_unavailable', 'The issuer of this token cannot be asked about it now.');
    }
  }

  private remember(id: string, response: IntrospectionResponse): Outcome {
    const outcome = this.outcomeOf(response);
    const expiresAt = typeof response.exp === 'number' ? response.exp * 1000 : Infinity;
    this.known.set(id, { outcome, askedAt: this.clock.monotonic(), expiresAt });
    return outcome;
  }

  private outcomeOf(response: IntrospectionResponse): Outcome {
    const { issuer, audience } = this.issuer.config;
    const now = this.clock.now();
    const { exp: end, nbf: begin } = response as { readonly exp?: unknown; readonly nbf?: unknown };
    const [exp, nbf] = [end ?? Infinity, begin ?? -Infinity];
    // A time that cannot be read may be over.
    if (!response.active || typeof exp !== 'number' || typeof nbf !== 'number') return INACTIVE;
    if (exp * 1000 <= now || nbf * 1000 > now) return INACTIVE;
    const audiences = [response.aud ?? []].flat();
    if (audience.length > 0 && !audience.some((each) => audiences.includes(each))) return NOT_FOR_US;
    if (response.iss !== undefined && response.iss !== issuer) return NOT_FOR_US;
    return this.principalIn(response) ?? NOBODY;
  }

  /** A token of a client itself has no subject: the client is the consumer. */
  private principalIn(response: IntrospectionResponse): Principal | null {
    const claims = response as Readonly<Record<string, unknown>>;
    const found = principalOf(claims, this.names, this.declared);
    return found ?? principalOf(claims, { ...this.names, consumer: 'client_id' }, this.declared);
  }
}
