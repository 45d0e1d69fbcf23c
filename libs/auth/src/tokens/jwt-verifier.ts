import { hash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { type JwtConfig } from '#config';
import { type Clock, type Principal, Refusal } from '#kernel';
import { BoundedMap } from '../bounded-map.js';
import { type Outcome, Rejected } from '../methods/method.js';
import { type Claims, type DeclaredConsumer, principalOf } from './claims.js';
import { RemoteKeySet } from './remote-key-set.js';
import { readHead, type TokenHead } from './token-head.js';
import { publicKeyOf, secretKey, suits, type VerificationKey } from './verification-key.js';

const ERROR = 'error="invalid_token"';
const INVALID = new Rejected('The token is not valid, or not signed by a key that is trusted here.', ERROR);
const EXPIRED = new Rejected('The token has expired.', ERROR);
const TOO_EARLY = new Rejected('The token is not valid yet.', ERROR);
const OTHER_ISSUER = new Rejected('The issuer (iss) of the token is not one that is trusted here.', ERROR);
const OTHER_AUDIENCE = new Rejected('The audience (aud) of the token is another one: it is not meant for here.', ERROR);
const OTHER_CLAIM = new Rejected('A claim of the token is not accepted here.', ERROR);
const BY_CLAIM: ReadonlyMap<string, Rejected> = new Map([
  ['nbf', TOO_EARLY],
  ['iss', OTHER_ISSUER],
  ['aud', OTHER_AUDIENCE],
]);
const NOBODY = new Rejected('The token does not name a consumer.', ERROR);

const MOST_REMEMBERED = 10_000;
const LONGEST_REMEMBERED_MS = 300_000;
const MOST_CANDIDATES = 16;

interface Remembered {
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/**
 * Verifies tokens that others issued. What was verified is remembered by its hash until it expires or any key changes.
 * The configuration says which algorithms are taken and each key which ones it is for; the token only picks among them.
 */
export class JwtVerifier {
  private readonly known = new BoundedMap<string, Remembered>(MOST_REMEMBERED);
  private readonly fixed: readonly VerificationKey[];
  private readonly sets: readonly RemoteKeySet[];
  private readonly algorithms: ReadonlySet<string>;
  /** Counts the changes of keys, so that nothing is remembered that a key of before has verified. */
  private generation = 0;

  constructor(
    private readonly config: JwtConfig,
    private readonly declared: ReadonlyMap<string, DeclaredConsumer>,
    private readonly clock: Clock,
    tell: (news: string) => void,
  ) {
    this.algorithms = new Set(config.algorithms);
    const secrets = config.secrets.map((secret) => secretKey(secret.reveal()));
    const keys = config.publicKeys.map(({ text }) => publicKeyOf(text)).filter((key) => key !== null);
    this.fixed = [...secrets, ...keys];
    this.sets = config.jwks.map((source) => new RemoteKeySet(source, clock, () => this.keysChanged(), tell));
  }

  /** Without any key there is nothing to verify with. */
  get usable(): boolean {
    return this.fixed.length + this.sets.length > 0;
  }

  verify(token: string): Outcome | Promise<Outcome> {
    const id = idOf(token);
    const remembered = this.recall(id);
    if (remembered !== null) return remembered;
    const head = readHead(token);
    if (head === null || !this.algorithms.has(head.alg)) return INVALID;
    return this.check(id, token, head);
  }

  /** Whose it is, if it was verified before. */
  remembered(token: string): Principal | null {
    return this.recall(idOf(token));
  }

  private recall(id: string): Principal | null {
    const remembered = this.known.get(id);
    if (remembered === undefined) return null;
    if (remembered.until > this.clock.now()) return remembered.principal;
    this.known.delete(id);
    return null;
  }

  private keysChanged(): void {
    this.generation++;
    this.known.clear();
  }

  private async check(id: string, token: string, head: TokenHead): Promise<Outcome> {
    const fixed = this.fixed.filter((key) => suits(key, head));
    const outcome = await this.checkWithAny(fixed, id, token, head.alg);
    // Secrets are never published.
    if (outcome !== null || head.alg.startsWith('HS')) return outcome ?? INVALID;
    for (const set of this.sets) {
      do {
        const found = await this.checkWithAny(await set.candidates(head), id, token, head.alg);
        if (found !== null) return found;
      } while (await set.renewed());
    }
    if (this.sets.some((set) => set.away)) {
      throw new Refusal('store_unavailable', 'The keys of the issuer of this token cannot be fetched now.');
    }
    return INVALID;
  }

  /** null: none of these keys signed it. */
  private async checkWithAny(
    keys: readonly VerificationKey[],
    id: string,
    token: string,
    alg: string,
  ): Promise<Outcome | null> {
    const { generation } = this;
    for (const { key } of keys.slice(0, MOST_CANDIDATES)) {
      const claims = await this.checkWith(key, token, alg);
      if (claims === null) continue;
      if (claims instanceof Rejected) return claims;
      const principal = principalOf(claims, this.config.claims, this.declared);
      if (principal === null) return NOBODY;
      if (generation === this.generation) this.remember(id, principal, claims['exp']);
      return principal;
    }
    return null;
  }

  /** null: this key did not sign it. */
  private async checkWith(key: VerificationKey['key'], token: string, alg: string): Promise<Claims | Rejected | null> {
    const { issuer, audience, clockTolerance } = this.config;
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [alg],
        currentDate: new Date(this.clock.now()),
        clockTolerance: clockTolerance / 1000,
        ...(issuer.length > 0 && { issuer: [...issuer] }),
        ...(audience.length > 0 && { audience: [...audience] }),
      });
      return payload;
    } catch (error) {
      return rejection(error);
    }
  }

  private remember(id: string, principal: Principal, exp: unknown): void {
    const expires = typeof exp === 'number' ? exp * 1000 + this.config.clockTolerance : Infinity;
    this.known.set(id, { principal, until: Math.min(expires, this.clock.now() + LONGEST_REMEMBERED_MS) });
  }
}

function idOf(token: string): string {
  return hash('sha256', token, 'base64');
}

/** By what `jose` says; null: it was not this key. Claims are looked at when the signature has held, so this tells no secret. */
function rejection(error: unknown): Rejected | null {
  if (error instanceof errors.JWTExpired) return EXPIRED;
  if (error instanceof errors.JWTClaimValidationFailed) return BY_CLAIM.get(error.claim) ?? OTHER_CLAIM;
  return null;
}
