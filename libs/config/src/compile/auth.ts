import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { type AuthMethod, type AuthRequirement } from '../model/auth-requirement.js';
import { basic as basicSchema, hmac as hmacSchema, type JwtAlgorithm, mtls as mtlsSchema } from '../model/auth.js';
import { identity as identitySchema } from '../model/identity.js';
import { type Declared } from '../model/root.js';
import { type Path } from '../schema/schema.js';
import { type Checks } from './checks.js';
import { type AuthConfig } from './config.js';
import { checkRoles, checkRolesAskedFor } from './roles.js';

const ASYMMETRIC: readonly JwtAlgorithm[] = ['RS256', 'ES256', 'EdDSA'];
const SYMMETRIC: readonly JwtAlgorithm[] = ['HS256', 'HS384', 'HS512'];

export function authOf(whole: Declared, checks: Checks): AuthConfig {
  const { auth: declared, gateway } = whole;
  checks.unique(
    ['auth', 'consumers'],
    'consumer',
    declared.consumers.map(({ name }) => name),
  );
  checkKeys(declared, checks);
  checkUsers(declared, checks);
  checkSigners(declared, checks);
  checkCertificates(declared, checks);
  checkRoles(declared.rbac.roles, checks);
  checkRolesAskedFor(whole, checks);
  const wanted = new Set(
    [declared.default, ...gateway.routes.map(({ auth }) => auth)].flatMap((each) => each?.methods ?? []),
  );
  const { mtls, basic, hmac, identity } = declared;
  const signed = gateway.routes.some((route) => route.identity !== null && route.identity !== 'off');
  if (wanted.has('mtls') && gateway.tls?.clientCa == null)
    checks.warn(['auth', 'mtls'], 'no client certificate can be verified', 'set gateway.tls.clientCa');
  return {
    ...declared,
    jwt: jwtOf(declared, checks),
    // These work without being told anything, so a route that lists them is enough.
    mtls: mtls ?? (wanted.has('mtls') ? mtlsSchema.blank : null),
    basic: basic ?? (wanted.has('basic') ? basicSchema.blank : null),
    hmac: hmac ?? (wanted.has('hmac') ? hmacSchema.blank : null),
    identity: identity ?? (signed ? identitySchema.blank : null),
  };
}

function jwtOf({ jwt, oauth2 }: Declared['auth'], checks: Checks): AuthConfig['jwt'] {
  if (jwt === null) return null;
  const keys = jwt.secrets.length + jwt.publicKeys.length + jwt.jwks.length;
  if (keys === 0 && oauth2 === null) {
    checks.warn(['auth', 'jwt'], 'no token can be verified', 'add secrets, publicKeys or jwks');
  }
  const algorithms = jwt.algorithms ?? (jwt.secrets.length > 0 ? [...ASYMMETRIC, ...SYMMETRIC] : ASYMMETRIC);
  if (jwt.secrets.length > 0 && !SYMMETRIC.some((algorithm) => algorithms.includes(algorithm))) {
    checks.warn(['auth', 'jwt', 'secrets'], 'they are never used', 'add HS256 to algorithms');
  }
  return { ...jwt, algorithms };
}

function checkKeys({ consumers }: Declared['auth'], checks: Checks): void {
  const owners = new Map<string, string>();
  for (const [c, { name, apiKeys }] of consumers.entries()) {
    for (const [k, { hash }] of apiKeys.entries()) {
      const owner = owners.get(hash);
      if (owner === undefined) owners.set(hash, name);
      else if (hash !== '')
        checks.wrong(['auth', 'consumers', c, 'apiKeys', k, 'hash'], `this key belongs to ${owner} already`);
    }
  }
}

function checkUsers({ consumers }: Declared['auth'], checks: Checks): void {
  const owners = new Map<string, string>();
  for (const [c, { name, basic }] of consumers.entries()) {
    for (const [k, { username }] of basic.entries()) {
      const user = username ?? name;
      const owner = owners.get(user);
      if (owner === undefined) owners.set(user, name);
      else if (user !== '')
        checks.wrong(
          ['auth', 'consumers', c, 'basic', k, 'username'],
          `the user ${JSON.stringify(user)} belongs to ${owner} already`,
        );
    }
  }
}

function checkCertificates({ consumers }: Declared['auth'], checks: Checks): void {
  const owners = new Map(consumers.map(({ name, certificates }) => [name, certificates.includes(name) ? null : name]));
  for (const [c, { name, certificates }] of consumers.entries()) {
    for (const [k, certificate] of certificates.entries()) {
      const owner = owners.get(certificate) ?? null;
      if (owner === null) owners.set(certificate, name);
      else if (certificate !== '')
        checks.wrong(
          ['auth', 'consumers', c, 'certificates', k],
          `the certificate ${JSON.stringify(certificate)} belongs to ${owner} already`,
        );
    }
  }
}

function checkSigners({ consumers }: Declared['auth'], checks: Checks): void {
  const owners = new Map<string, string>();
  for (const [c, { name, hmac }] of consumers.entries()) {
    for (const [k, { keyId, secret, publicKey }] of hmac.entries()) {
      const path = ['auth', 'consumers', c, 'hmac', k];
      const owner = owners.get(keyId);
      if (owner === undefined) owners.set(keyId, name);
      else if (keyId !== '')
        checks.wrong([...path, 'keyId'], `the key ${JSON.stringify(keyId)} belongs to ${owner} already`);
      if ((secret === null) === (publicKey === null))
        checks.wrong(path, 'exactly one of secret and publicKey is needed', { missing: ['secret', 'publicKey'] });
      if (publicKey !== null && publicKey.text !== '' && !signsRequests(publicKey.text))
        checks.wrong([...path, 'publicKey'], 'no algorithm of RFC 9421 goes with this key', {
          allowed: 'Ed25519, ECDSA on P-256 or P-384, RSA of 2048 bits or more',
        });
    }
  }
}

function signsRequests(text: string): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = text.trimStart().startsWith('{')
    ? createPublicKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' })
    : createPublicKey(text);
  if (type === 'rsa' || type === 'rsa-pss') return (details?.modulusLength ?? 0) >= 2048;
  return type === 'ed25519' || (type === 'ec' && /^(prime256v1|secp384r1)$/.test(details?.namedCurve ?? ''));
}

/** Complains when no caller could ever satisfy it. */
export function checkRequirement(requirement: AuthRequirement, auth: AuthConfig, path: Path, checks: Checks): void {
  const configured: Readonly<Record<AuthMethod, boolean>> = {
    'api-key': auth.apiKeys !== null,
    jwt: auth.jwt !== null,
    oauth2: auth.oauth2 !== null,
    mtls: auth.mtls !== null,
    basic: auth.basic !== null,
    hmac: auth.hmac !== null,
  };
  const missing = requirement.methods.filter((method) => !configured[method]);
  const first = missing[0];
  if (first === undefined) return;
  const section = `auth.${first === 'api-key' ? 'apiKeys' : first}`;
  if (missing.length === requirement.methods.length) {
    checks.wrong([...path, 'methods'], `nobody could get in: ${section} is not configured`, { hint: `add ${section}` });
  } else checks.warn([...path, 'methods'], `${first} never applies: ${section} is not configured`, `add ${section}`);
}
