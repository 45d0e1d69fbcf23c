import { type AuthConfig, type JwtConfig } from '#config';
import { type Clock, Refusal } from '#kernel';
import { type Outcome, Rejected } from '../methods/method.js';
import { type ClaimNames, type DeclaredConsumer } from '../tokens/claims.js';
import { JwtVerifier } from '../tokens/jwt-verifier.js';
import { Introspector } from './introspector.js';
import { Issuer, type OAuth2Config } from './issuer.js';
import { SignIn } from './sign-in.js';

const CLAIMS: ClaimNames = { consumer: 'sub', roles: 'roles', scopes: 'scope' };
const ALGORITHMS: JwtConfig['algorithms'] = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA'] as const),
];
const OPAQUE = new Rejected('The token is not a JWT, and auth.oauth2.introspection is off.', 'error="invalid_token"');
const TOLERANCE_MS = 30_000;
const KEYS_MS = 600_000;
const COOLDOWN_MS = 30_000;

interface Keys {
  readonly url: string;
  readonly verifier: JwtVerifier;
}

/** Access tokens of one issuer: those that are JWTs by its published keys, others by asking it. */
export class TokenVerifier {
  readonly signIn: SignIn;
  private readonly issuer: Issuer;
  private readonly introspector: Introspector | null;
  private readonly names: ClaimNames;
  private readonly clockTolerance: number;
  private keys: Keys | null = null;

  constructor(
    private readonly config: OAuth2Config,
    jwt: AuthConfig['jwt'],
    private readonly declared: ReadonlyMap<string, DeclaredConsumer>,
    private readonly clock: Clock,
    private readonly tell: (news: string) => void,
  ) {
    this.issuer = new Issuer(config, clock, tell);
    this.signIn = new SignIn(this.issuer, tell);
    this.names = jwt?.claims ?? CLAIMS;
    this.clockTolerance = jwt?.clockTolerance ?? TOLERANCE_MS;
    this.introspector = config.introspection ? new Introspector(this.issuer, this.names, declared, clock, tell) : null;
  }

  get introspects(): boolean {
    return this.introspector !== null;
  }

  get issuerName(): string {
    return this.config.issuer;
  }

  verify(token: string, address: string): Outcome | Promise<Outcome> {
    if (token.split('.').length === 3) return this.verifyJwt(token);
    return this.introspector === null ? OPAQUE : this.introspector.verify(token, address);
  }

  /** What was verified before is known without asking where the keys are. */
  private verifyJwt(token: string): Outcome | Promise<Outcome> {
    const remembered = this.keys?.verifier.remembered(token) ?? null;
    return remembered ?? this.currentKeys().then(({ verifier }) => verifier.verify(token));
  }

  private async currentKeys(): Promise<Keys> {
    const { issuer, jwks_uri: url } = (await this.issuer.discovered()).serverMetadata();
    if (this.keys !== null && (url === undefined || url === this.keys.url)) return this.keys;
    if (url === undefined) throw this.withoutKeys(issuer);
    const config: JwtConfig = {
      secrets: [],
      publicKeys: [],
      jwks: [{ url, cache: KEYS_MS, cooldown: COOLDOWN_MS }],
      issuer: [issuer],
      audience: this.config.audience,
      algorithms: ALGORITHMS,
      clockTolerance: this.clockTolerance,
      claims: this.names,
    };
    this.keys = { url, verifier: new JwtVerifier(config, this.declared, this.clock, this.tell) };
    return this.keys;
  }

  /** Nobody can say then what its tokens are worth. Told once for each time that it said so. */
  private withoutKeys(issuer: string): Refusal {
    if (this.issuer.doubt())
      this.tell(`the issuer ${issuer} publishes no keys (jwks_uri): no JWT of it can be verified`);
    return new Refusal('store_unavailable', 'The issuer of this token publishes no keys now.');
  }
}
