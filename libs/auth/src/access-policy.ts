import { createHash } from 'node:crypto';
import { type AuthConfig, type AuthMethod, type RouteConfig } from '#config';
import { type Clock, type Principal } from '#kernel';
import { AdminAccess } from './admin/admin-access.js';
import { ApiKeyMethod } from './methods/api-key.js';
import { ClientCertificateMethod } from './methods/client-certificate.js';
import { JwtMethod } from './methods/jwt.js';
import { type Method } from './methods/method.js';
import { Demands } from './rbac/demands.js';
import { PathRules } from './rbac/path-rules.js';
import { Roles } from './rbac/roles.js';
import { RouteAccess } from './route-access.js';
import { type DeclaredConsumer } from './tokens/claims.js';
import { JwtVerifier } from './tokens/jwt-verifier.js';

const HASH_PREFIX = 'sha256:';
const NO_CLAIMS = Object.freeze({});

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
  private readonly methods: readonly Method[];
  /** Where a route lists it only: a certificate comes by itself, and other routes want more than that. */
  private readonly certificates: Method | null;
  private readonly roles: Roles;
  private readonly rules: PathRules;
  private readonly fingerprint: string;
  private readonly verifier: JwtVerifier | null;

  /** What is known of tokens and of the keys of issuers is taken over from `previous` when nothing about it has changed. */
  constructor(
    private readonly config: AuthConfig,
    previous: AccessPolicy | null,
    surroundings: AccessSurroundings,
  ) {
    this.roles = new Roles(config.rbac.roles);
    this.rules = new PathRules(config.rbac.rules, this.roles);
    this.fingerprint = fingerprintOf(config);
    this.verifier = previous?.fingerprint === this.fingerprint ? previous.verifier : verifierOf(config, surroundings);
    const methods: Method[] = [];
    const declared = declaredKeys(config);
    if (config.apiKeys !== null) methods.push(new ApiKeyMethod(config.apiKeys, declared));
    if (this.verifier !== null) methods.push(new JwtMethod(this.verifier));
    this.methods = methods;
    this.admin = new AdminAccess(methods, declared, config.apiKeys ?? {}, this.roles);
    this.certificates =
      config.mtls === null || !surroundings.clientCertificates
        ? null
        : new ClientCertificateMethod(config.mtls.consumerFrom, byName(config), surroundings.clock);
    this.credentialHeaders = [...new Set([...(config.apiKeys?.headers ?? []), 'authorization'])];
  }

  forRoute({ auth: { mode, methods, ...lists } }: Pick<RouteConfig, 'auth'>): RouteAccess {
    const taken = methods.length === 0 ? this.methods : this.named(methods);
    const keys = this.config.apiKeys;
    const hides = keys?.hide === true && taken.some(({ name }) => name === 'api-key') ? keys : null;
    return new RouteAccess(
      mode,
      taken,
      new Demands(lists, this.roles),
      this.rules,
      hides?.headers ?? [],
      hides?.query ?? null,
    );
  }

  private named(names: readonly AuthMethod[]): readonly Method[] {
    return names
      .map((name) => [...this.methods, this.certificates].find((method) => method?.name === name))
      .filter((method) => method != null);
  }
}

function declaredKeys({ consumers }: AuthConfig): ReadonlyMap<string, Principal> {
  const keys = new Map<string, Principal>();
  for (const { name, roles, plan, apiKeys } of consumers) {
    for (const { hash } of apiKeys) {
      const digits = hash.slice(HASH_PREFIX.length);
      const credential = `declared:${digits.slice(0, 16)}`;
      keys.set(digits, {
        consumer: name,
        id: name,
        roles,
        scopes: [],
        plan,
        credential,
        user: null,
        claims: NO_CLAIMS,
      });
    }
  }
  return keys;
}

function byName({ consumers }: AuthConfig): ReadonlyMap<string, DeclaredConsumer> {
  return new Map(consumers.map((consumer) => [consumer.name, consumer]));
}

function verifierOf(config: AuthConfig, { clock, tell }: AccessSurroundings): JwtVerifier | null {
  if (config.jwt === null) return null;
  const verifier = new JwtVerifier(config.jwt, byName(config), clock, tell);
  return verifier.usable ? verifier : null;
}

/** Of everything that decides what a token is worth; secrets come in as digests. */
function fingerprintOf({ jwt, consumers }: AuthConfig): string {
  const secrets = jwt?.secrets.map((secret) => secret.reveal()) ?? [];
  return createHash('sha256')
    .update(JSON.stringify([jwt, secrets, consumers]))
    .digest('base64');
}
