import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { accepted, mistakesOf, withRoutes } from '../../test/load-text.js';

const ROUTES = withRoutes(
  ['', ', identity: on', ', identity: off', ', identity: { audience: own }']
    .map((more, i) => `- { name: r${i}, path: /${i}, upstream: "http://127.0.0.1:1"${more} }`)
    .join('\n'),
);

function audiences(auth: string): readonly (string | null | undefined)[] {
  const { config } = accepted(`${ROUTES}\nauth: { ${auth} }`);
  return config.gateway.routes.map(({ identity }) => (identity === null ? undefined : identity.audience));
}

function withKey(key: string): string {
  return `${ROUTES}\nauth: { identity: { keys: [${JSON.stringify(key)}] } }`;
}

describe('a signed identity', () => {
  it.each([
    ['', [undefined, null, undefined, 'own']],
    ['identity: {}', [null, null, undefined, 'own']],
    ['identity: { audience: all }', ['all', 'all', undefined, 'own']],
    ['identity: { default: false, audience: all }', [undefined, 'all', undefined, 'own']],
    ['identity: off', [undefined, null, undefined, 'own']],
  ])('is on where auth says %j and the route does not say otherwise', (auth, expected) => {
    expect(audiences(auth)).toEqual(expected);
  });

  it('has its settings also where only a route asks for it, and none where nobody does', () => {
    expect(accepted(ROUTES).config.auth.identity).toMatchObject({ issuer: 'aegis', lifetime: 60_000, keys: [] });
    const nobody = withRoutes('- { path: /a, upstream: "http://127.0.0.1:1", identity: off }');
    expect(accepted(nobody).config.auth.identity).toBeNull();
  });

  it('takes keys that can sign it', () => {
    const pem = { type: 'pkcs8', format: 'pem' } as const;
    const written = [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString(),
      JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })),
    ];
    for (const key of written) expect(accepted(withKey(key)).config.auth.identity?.keys[0]?.reveal()).toBe(key);
    const wrong = [
      'nonsense',
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(pem).toString(),
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    ];
    for (const key of wrong) {
      const mistakes = mistakesOf(withKey(key)).join('\n');
      expect(mistakes).toContain('a private key on P-256 (ES256) or Ed25519 (EdDSA)');
      expect(mistakes).not.toContain(key.split('\n')[1] ?? key);
    }
  });
});
