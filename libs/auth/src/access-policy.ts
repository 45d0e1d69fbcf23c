import { createHash } from 'node:crypto';
import { type AuthConfig, type AuthMethod, type RouteConfig } from '#config';
import { type Clock } from '#kernel';
import { AdminAccess } from './admin/admin-access.js';
import { declaredCertificates, declaredKeys, declaredPasswords, declaredSigners } from './consumers/declared.js';
import { ACCESS_PREFIX } from './issued/issued-tokens.js';
import { ApiKeyMethod } from './methods/api-key.js';
import { BasicMethod } from './methods/basic.js';
import { ClientCertificateMethod } from './methods/client-certificate.js';
import { HmacMethod } from './methods/hmac.js';
import { JwtMethod } from './methods/jwt.js';
import { type Method } from './methods/method.js';
import { OAuth2Method } from './methods/oauth2.js';
import { type SignIn } from './oauth2/sign-in.js';
import { TokenVerifier } from './oauth2/token-verifier.js';
import { PasswordChecks } from './passwords/password-checks.js';
import { Demands } from './rbac/demands.js';
import { PathRules } from './rbac/path-rules.js';
import { Roles } from './rbac/roles.js';
import { RouteAccess } from './route-access.js';
import { IdentityTokens } from './signed-identity/identity-tokens.js';
import { type DeclaredConsumer } from './tokens/claims.js';
import { JwtVerifier } from './tokens/jwt-verifier.js';

export interface AccessSurroundings {
  readonly clock: Clock;
  /** Whether the listener asks for client certificates and verifies them. */
  readonly clientCertificates: boolean;
  /** Hears what an operator should know. */
  readonly tell: (news: string) => void;
}

/** The `auth` section, compiled. */
export class AccessPolicy {
  /** Lower-case names of the header fields in which credentials come. */
  readonly credentialHeaders: readonly string[];
  /** Of Aegis's own paths. */
  readonly admin: AdminAccess;
  /** Of a route that does not say which. */
  private readonly methods: readonly Method[];
  /** Where a route lists them only: a certificate comes by itself, and no other route should start to ask for passwords. */
  private readonly listed: readonly Method[];
  private readonly passwords: PasswordChecks;
  private readonly roles: Roles;
  private readonly rules: PathRules;
  private readonly fingerprint: string;
  private readonly verifier: JwtVerifier | null;
  /** To the console, at the issuer. */
  readonly signIn: SignIn | null;
  private readonly tokens: TokenVerifier | null;
  /** Of callers, for upstreams; null: on no route. */
  readonly identity: IdentityTokens | null;

  /** What is known of tokens and of the keys of issuers is taken over from `previous` when nothing about it has changed. */
  constructor(
    private readonly config: AuthConfig,
    previous: AccessPolicy | null,
    surroundings: AccessSurroundings,
  ) {
    this.roles = new Roles(config.rbac.roles);
    this.rules = new PathRules(config.rbac.rules, this.roles);
    this.fingerprint = fingerprintOf(config);
    const same = previous?.fingerprint === this.fingerprint;
    this.verifier = same ? previous.verifier : verifierOf(config, surroundings);
    this.tokens = same ? previous.tokens : tokensOf(config, surroundings);
    this.signIn = config.oauth2?.login.enabled === true ? (this.tokens?.signIn ?? null) : null;
    this.identity = IdentityTokens.of(config.identity, previous?.identity ?? null, surroundings.clock);
    const methods: Method[] = [];
    const declared = declaredKeys(config);
    if (config.apiKeys !== null) methods.push(new ApiKeyMethod(config.apiKeys, declared));
    if (this.tokens !== null) methods.push(new OAuth2Method(this.tokens, true));
    if (this.verifier !== null) methods.push(new JwtMethod(this.verifier));
    this.methods = methods;
    this.admin = new AdminAccess(methods, declared, config, this.roles);
    this.passwords = previous?.passwords ?? new PasswordChecks(surroundings.clock);
    this.listed = this.listedOnly(surroundings);
    this.credentialHeaders = [...new Set([...(config.apiKeys?.headers ?? []), 'authorization'])];
  }

  /** Of the tokens that Aegis gives. */
  get lifetimes(): AuthConfig['tokens'] {
    return this.config.tokens;
  }

  forRoute({ auth: { mode, methods, ...lists }, identity }: Pick<RouteConfig, 'auth' | 'identity'>): RouteAccess {
    const taken = this.unshared(methods.length === 0 ? this.methods : this.named(methods));
    const keys = this.config.apiKeys;
    const hides = keys?.hide === true && taken.some(({ name }) => name === 'api-key') ? keys : null;
    const hidden = {
      fields: hides?.headers ?? [],
      parameter: hides?.query ?? null,
      authorization: hiddenAuthorization(
        hides !== null,
        this.config.basic?.hide === true && taken.some(({ name }) => name === 'basic'),
      ),
    };
    const { identity: tokens } = this;
    const signed = identity === null || tokens === null ? null : { tokens, audience: identity.audience };
    return new RouteAccess(mode, taken, new Demands(lists, this.roles), this.rules, hidden, signed);
  }

  private listedOnly({ clientCertificates, clock }: AccessSurroundings): readonly Method[] {
    const { mtls, basic, hmac } = this.config;
    const methods: Method[] = [];
    if (mtls !== null && clientCertificates) {
      methods.push(new ClientCertificateMethod(mtls.consumerFrom, declaredCertificates(this.config), clock));
    }
    if (basic !== null) methods.push(new BasicMethod(declaredPasswords(this.config), this.passwords));
    if (hmac !== null) methods.push(new HmacMethod(hmac, declaredSigners(this.config), clock));
    return methods;
  }

  /** Where nothing else takes tokens, those of strangers are for the one method to refuse. */
  private unshared(methods: readonly Method[]): readonly Method[] {
    const { tokens } = this;
    if (tokens === null || methods.some(({ name }) => name === 'jwt')) return methods;
    return methods.map((method) => (method.name === 'oauth2' ? new OAuth2Method(tokens, false) : method));
  }

  private named(names: readonly AuthMethod[]): readonly Method[] {
    return names
      .map((name) => [...this.methods, ...this.listed].find((method) => method.name === name))
      .filter((method) => method !== undefined);
  }
}

function hiddenAuthorization(tokens: boolean, passwords: boolean): RegExp | null {
  const kinds = [...(tokens ? [`bearer +${ACCESS_PREFIX}`] : []), ...(passwords ? ['basic '] : [])];
  return kinds.length === 0 ? null : new RegExp(`^(?:${kinds.join('|')})`, 'i');
}

function byName({ consumers }: AuthConfig): ReadonlyMap<string, DeclaredConsumer> {
  return new Map(consumers.map((consumer) => [consumer.name, consumer]));
}

function verifierOf(config: AuthConfig, { clock, tell }: AccessSurroundings): JwtVerifier | null {
  if (config.jwt === null) return null;
  const verifier = new JwtVerifier(config.jwt, byName(config), clock, tell);
  return verifier.usable ? verifier : null;
}

function tokensOf(config: AuthConfig, { clock, tell }: AccessSurroundings): TokenVerifier | null {
  if (config.oauth2 === null) return null;
  return new TokenVerifier(config.oauth2, config.jwt, byName(config), clock, tell);
}

/** Of everything that decides what a token is worth; secrets come in as digests. */
function fingerprintOf({ jwt, oauth2, consumers }: AuthConfig): string {
  if (jwt === null && oauth2 === null) return '';
  const secrets = [...(jwt?.secrets ?? []), oauth2?.clientSecret].map((secret) => secret?.reveal());
  return createHash('sha256')
    .update(JSON.stringify([jwt, oauth2, secrets, consumers]))
    .digest('base64');
}
