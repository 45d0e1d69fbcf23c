import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { boolean, list, object, optional, secret, text, wait, withDefault } from '../schema/index.js';

const audience = text({ words: 'audience' });
const WANTED = 'a private key on P-256 (ES256) or Ed25519 (EdDSA), as PEM or JWK, is needed';

function checkKey(written: string): string | undefined {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = privateKey(written);
    const fits = type === 'ed25519' || (type === 'ec' && details?.namedCurve === 'prime256v1');
    return fits ? undefined : `it is of another kind: ${WANTED}`;
  } catch {
    return `it cannot be read: ${WANTED}`;
  }
}

/** Throws what `node:crypto` throws. */
export function privateKey(written: string): KeyObject {
  if (!written.trimStart().startsWith('{')) return createPrivateKey(written);
  return createPrivateKey({ key: JSON.parse(written) as JsonWebKey, format: 'jwk' });
}

export const identity = object({
  default: withDefault(boolean(), true, 'For routes that say nothing.'),
  issuer: withDefault(text({ words: 'issuer' }), 'aegis', 'Their `iss`.', { example: 'https://api.example.com' }),
  audience: optional(audience, 'Their `aud`. Default: the name of the upstream that the request goes to.', {
    example: 'internal',
  }),
  lifetime: withDefault(
    wait({ min: 10_000, max: 3_600_000 }),
    '1m',
    'How long one is good. It is used again for half of that.',
  ),
  rotate: withDefault(
    wait({ min: 3_600_000, max: 2_147_483_647_000 }),
    '30d',
    'How long a key that Aegis made is used. Those before and after it are published with it for as long as they are needed.',
  ),
  keys: withDefault(
    list(secret({ words: 'private key', check: checkKey })),
    [],
    'Private keys of your own, PEM or JWK, on P-256 (ES256) or Ed25519 (EdDSA): the first signs, all are published. Empty: Aegis makes them and keeps them in the database.',
  ),
});

/** On a route. */
export const routeIdentity = object({
  audience: optional(audience, 'The `aud` on this route. Default: that of `auth.identity`.', { example: 'orders' }),
});
