import { type AuthConfig, type ConsumerConfig } from '#config';
import { type Principal } from '#kernel';
import { type PasswordOwner } from '../methods/basic.js';
import { type Signer } from '../methods/hmac.js';
import { publicSigningKey, sharedSecret } from '../signatures/signing-key.js';

const HASH_PREFIX = 'sha256:';
/** How the credentials of declared keys begin. */
export const DECLARED = 'declared:';
const NO_CLAIMS = Object.freeze({});

/** What a key is called whose hash stands in the file. */
export function declaredCredential(hash: string): string {
  return `${DECLARED}${hash.slice(HASH_PREFIX.length, HASH_PREFIX.length + 16)}`;
}

/** By the hexadecimal digits of the hash. */
export function declaredKeys({ consumers }: AuthConfig): ReadonlyMap<string, Principal> {
  const keys = new Map<string, Principal>();
  for (const consumer of consumers) {
    for (const { hash } of consumer.apiKeys) {
      keys.set(hash.slice(HASH_PREFIX.length), principalOf(consumer, declaredCredential(hash)));
    }
  }
  return keys;
}

/** By the name of the user. */
export function declaredPasswords({ consumers }: AuthConfig): ReadonlyMap<string, PasswordOwner> {
  const owners = new Map<string, PasswordOwner>();
  for (const consumer of consumers) {
    for (const { username, hash } of consumer.basic) {
      const user = username ?? consumer.name;
      const principal = { ...principalOf(consumer, `basic:${user}`), user };
      owners.set(user, { hash: hash.reveal(), principal });
    }
  }
  return owners;
}

/**
 * By what a certificate says. Who lists certificates is known by these alone: then their own name is nobody's (null), so
 * that no other certificate of the authority can pass for them.
 */
export function declaredCertificates({ consumers, mtls }: AuthConfig): ReadonlyMap<string, ConsumerConfig | null> {
  const said = (text: string): string =>
    mtls?.consumerFrom === 'fingerprint' ? text.replaceAll(':', '').toLowerCase() : text;
  const owners = new Map(consumers.map((each) => [each.name, each.certificates.length === 0 ? each : null]));
  for (const consumer of consumers) for (const each of consumer.certificates) owners.set(said(each), consumer);
  return owners;
}

/** By the id of the key. */
export function declaredSigners({ consumers }: AuthConfig): ReadonlyMap<string, Signer> {
  const signers = new Map<string, Signer>();
  for (const consumer of consumers) {
    for (const { keyId, secret, publicKey } of consumer.hmac) {
      const key = secret === null ? publicSigningKey(publicKey?.text ?? '') : sharedSecret(secret.reveal());
      if (key !== null) signers.set(keyId, { key, principal: principalOf(consumer, `hmac:${keyId}`) });
    }
  }
  return signers;
}

function principalOf({ name, roles, plan }: ConsumerConfig, credential: string): Principal {
  return { consumer: name, id: name, roles, scopes: [], plan, credential, user: null, claims: NO_CLAIMS };
}
