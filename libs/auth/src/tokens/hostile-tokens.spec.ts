import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signWith,
  type SignKeyObjectInput,
} from 'node:crypto';
import { SignJWT } from 'jose';
import { type JwtConfig, Secret } from '#config';
import { FakeClock, type RecordingUpstream, startUpstream } from '#testing';
import { Rejected } from '../methods/method.js';
import { JwtVerifier } from './jwt-verifier.js';

type Members = Readonly<Record<string, unknown>>;
type Signer = (input: string) => Buffer;

const SECRET = randomBytes(64).toString('hex');
const clock = new FakeClock();
const NOW = clock.now() / 1000;

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ec384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ec521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const ed = generateKeyPairSync('ed25519');
const ours = [rsa, ec, ec384, ec521, ed];
const theirRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const theirEc = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const theirEd = generateKeyPairSync('ed25519');

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }) as string;
}

const config: JwtConfig = {
  secrets: [new Secret(SECRET)],
  publicKeys: ours.map(({ publicKey }) => ({ text: pem(publicKey), file: null })),
  jwks: [],
  issuer: ['https://issuer'],
  audience: ['api'],
  algorithms: [
    'HS256',
    'HS384',
    'HS512',
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
  ],
  clockTolerance: 30_000,
  claims: { consumer: 'sub', roles: 'roles', scopes: 'scope' },
};

const verifier = new JwtVerifier(config, new Map(), clock, () => undefined);
const GOOD: Members = { sub: 'alice', iss: 'https://issuer', aud: 'api', exp: NOW + 600, nbf: NOW - 10 };

function encoded(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

function made(head: unknown, payload: unknown, signer: Signer): string {
  const input = `${encoded(head)}.${encoded(payload)}`;
  return `${input}.${signer(input).toString('base64url')}`;
}

function hmac(key: string | Buffer, size = 256): Signer {
  return (input) => createHmac(`sha${size}`, key).update(input).digest();
}

function asymmetric(digest: string | null, key: KeyObject, options: Partial<SignKeyObjectInput> = {}): Signer {
  return (input) => signWith(digest, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363', ...options });
}

/** As the issuer signs, with other members in the head. */
function head(members: Members): string {
  return made({ alg: 'HS256', ...members }, GOOD, hmac(SECRET));
}

/** As the issuer signs, with other claims. */
function claims(members: Members): string {
  return made({ alg: 'HS256' }, { ...GOOD, ...members }, hmac(SECRET));
}

function fixedSignature(alg: string, bytes: Buffer): string {
  return made({ alg }, GOOD, () => bytes);
}

const byHs = made({ alg: 'HS256' }, GOOD, hmac(SECRET));
const [H = '', P = '', S = ''] = byHs.split('.');
const rs = asymmetric('sha256', rsa.privateKey);
const theirs = asymmetric('sha256', theirRsa.privateKey);

/** The last of 43 characters carries two bits that decoding drops. */
function otherSpelling(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return signature.slice(0, -1) + alphabet.charAt(alphabet.indexOf(signature.slice(-1)) ^ 1);
}

let trap: RecordingUpstream;
const TRAP = 'http://127.0.0.1:1/keys';

const hostile: readonly (readonly [name: string, token: string | (() => string)])[] = [
  ...['none', 'None', 'NONE', 'nOnE'].map(
    (alg) => [`alg ${alg} without a signature`, `${encoded({ alg })}.${P}.`] as const,
  ),
  ['alg none with a signature', `${encoded({ alg: 'none' })}.${P}.${S}`],
  ['no alg', made({ typ: 'JWT' }, GOOD, hmac(SECRET))],
  ...[
    null,
    256,
    ['HS256'],
    {},
    '',
    'hs256',
    'HS256 ',
    'HS256\0',
    'HS1',
    'dir',
    'A256KW',
    '__proto__',
    'constructor',
  ].map((alg) => [`alg ${JSON.stringify(alg)}`, head({ alg })] as const),

  ['HS256 with the RSA key in PEM as secret', made({ alg: 'HS256' }, GOOD, hmac(pem(rsa.publicKey)))],
  ['HS256 with the RSA key in PEM, trimmed', made({ alg: 'HS256' }, GOOD, hmac(pem(rsa.publicKey).trim()))],
  ['HS384 with the RSA key in PEM', made({ alg: 'HS384' }, GOOD, hmac(pem(rsa.publicKey), 384))],
  ['HS512 with the RSA key in PEM', made({ alg: 'HS512' }, GOOD, hmac(pem(rsa.publicKey), 512))],
  [
    'HS256 with the RSA key in DER',
    made({ alg: 'HS256' }, GOOD, hmac(rsa.publicKey.export({ type: 'spki', format: 'der' }))),
  ],
  [
    'HS256 with the RSA key as JWK',
    made({ alg: 'HS256' }, GOOD, hmac(JSON.stringify(rsa.publicKey.export({ format: 'jwk' })))),
  ],
  ['HS256 with the EC key in PEM', made({ alg: 'HS256' }, GOOD, hmac(pem(ec.publicKey)))],
  ['HS256 with an empty secret', made({ alg: 'HS256' }, GOOD, hmac(''))],
  ['HS256 with a part of the secret', made({ alg: 'HS256' }, GOOD, hmac(SECRET.slice(0, 64)))],
  ['HS256 with another secret', made({ alg: 'HS256' }, GOOD, hmac(SECRET.toUpperCase()))],
  ['HS512 in the head, HS256 signed', made({ alg: 'HS512' }, GOOD, hmac(SECRET))],

  ['RS256 with another key', made({ alg: 'RS256' }, GOOD, theirs)],
  ['RS384 in the head, RS256 signed', made({ alg: 'RS384' }, GOOD, rs)],
  ['PS256 in the head, RS256 signed', made({ alg: 'PS256' }, GOOD, rs)],
  ['ES256 in the head, RS256 signed', made({ alg: 'ES256' }, GOOD, rs)],
  ['ES256 with another key', made({ alg: 'ES256' }, GOOD, asymmetric('sha256', theirEc.privateKey))],
  ['ES256 with a key of another curve', made({ alg: 'ES256' }, GOOD, asymmetric('sha256', ec384.privateKey))],
  ['ES256 signed in DER', made({ alg: 'ES256' }, GOOD, asymmetric('sha256', ec.privateKey, { dsaEncoding: 'der' }))],
  ['ES256 of zeros', fixedSignature('ES256', Buffer.alloc(64))],
  ['ES256 of nothing but r', fixedSignature('ES256', Buffer.alloc(32, 1))],
  ['EdDSA with another key', made({ alg: 'EdDSA' }, GOOD, asymmetric(null, theirEd.privateKey))],
  ['EdDSA of zeros', fixedSignature('EdDSA', Buffer.alloc(64))],
  ['RS256 of zeros', fixedSignature('RS256', Buffer.alloc(256))],
  ['RS256 of ones', fixedSignature('RS256', Buffer.alloc(256, 1))],
  ['a signature that is cut off', byHs.slice(0, -4)],
  ['a signature with more behind it', `${byHs}AAAA`],
  ['the signature of another token', `${claims({ sub: 'bob' }).split('.').slice(0, 2).join('.')}.${S}`],

  ['a kid that climbs to an empty file', made({ alg: 'HS256', kid: '../../../../dev/null' }, GOOD, hmac(''))],
  ['a kid that is SQL', made({ alg: 'HS256', kid: "' UNION SELECT 'a' --" }, GOOD, hmac('a'))],
  ['a kid that is a URL', made({ alg: 'RS256', kid: TRAP }, GOOD, theirs)],
  ['a kid that is a command', made({ alg: 'RS256', kid: '|id' }, GOOD, theirs)],
  ['a kid with a NUL', made({ alg: 'RS256', kid: 'a\0b' }, GOOD, theirs)],
  ...[1, null, {}, ['a'], true, 'k'.repeat(513)].map(
    (kid) => [`a kid ${JSON.stringify(kid).slice(0, 20)}`, head({ kid })] as const,
  ),

  ['an embedded jwk', made({ alg: 'RS256', jwk: theirRsa.publicKey.export({ format: 'jwk' }) }, GOOD, theirs)],
  ['an embedded symmetric jwk', made({ alg: 'HS256', jwk: { kty: 'oct', k: encoded('a') } }, GOOD, hmac('a'))],
  ['a jku', () => made({ alg: 'RS256', jku: trap.url }, GOOD, theirs)],
  ['an x5u', () => made({ alg: 'RS256', x5u: trap.url }, GOOD, theirs)],
  ['an x5c', made({ alg: 'RS256', x5c: ['MIIB'] }, GOOD, theirs)],

  ...[['exp'], ['b64'], [], 'exp', null].map((crit) => [`crit ${JSON.stringify(crit)}`, head({ crit })] as const),
  ['a payload that is not encoded', head({ b64: false, crit: ['b64'] })],
  ['a compressed payload', head({ zip: 'DEF' })],
  ['an encrypted one', head({ enc: 'A256GCM' })],
  ...['JWE', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', '', 1, null].map(
    (typ) => [`typ ${JSON.stringify(typ)}`, head({ typ })] as const,
  ),

  ['one that has expired', claims({ exp: NOW - 31 })],
  ['one that expires as text', claims({ exp: String(NOW + 600) })],
  ['one that expires at null', claims({ exp: null })],
  ['one that expires at a list', claims({ exp: [NOW + 600] })],
  ['one that is not valid yet', claims({ nbf: NOW + 31 })],
  ['one whose nbf is text', claims({ nbf: '0' })],
  ['another issuer', claims({ iss: 'https://issuer.evil' })],
  ['an issuer with a slash more', claims({ iss: 'https://issuer/' })],
  ['several issuers', claims({ iss: ['https://issuer'] })],
  ['no issuer', claims({ iss: undefined })],
  ['another audience', claims({ aud: 'api2' })],
  ['no audience', claims({ aud: undefined })],
  ['an audience of nobody', claims({ aud: [] })],
  ['an audience that is a map', claims({ aud: { api: true } })],
  ['no subject', claims({ sub: undefined })],
  ...['', 1, null, ['alice'], { name: 'alice' }, 'a'.repeat(257), 'a\0b', 'a\nb', 'a\ud800', '\udc00b'].map(
    (sub) => [`the subject ${JSON.stringify(sub).slice(0, 20)}`, claims({ sub })] as const,
  ),

  ['another spelling of the same signature', `${H}.${P}.${otherSpelling(S)}`],
  ['padding', `${H}.${P}.${S}=`],
  ['the alphabet of plain base64', `${H}.${P}.${S.slice(0, -1)}+`],
  ['a space within', `${H}.${P}. ${S}`],
  ['a line break at the end', `${byHs}\n`],
  ['a NUL at the end', `${byHs}\0`],
  ['one part', H],
  ['two parts', `${H}.${P}`],
  ['four parts', `${byHs}.${S}`],
  ['five parts', `${H}.${S}.${S}.${S}.${S}`],
  ['no parts', '..'],
  ['no head', `.${P}.${S}`],
  ['no payload', `${H}..${S}`],
  ['no signature', `${H}.${P}.`],
  ['a head that is not JSON', made('{alg:HS256}', GOOD, hmac(SECRET))],
  ['a head that is a list', made([{ alg: 'HS256' }], GOOD, hmac(SECRET))],
  ['a head that is text', made('"HS256"', GOOD, hmac(SECRET))],
  ['a head that is null', made('null', GOOD, hmac(SECRET))],
  ['a head with a byte-order mark', made('\uFEFF{"alg":"HS256"}', GOOD, hmac(SECRET))],
  [
    'a head that is not UTF-8',
    `${Buffer.from('{"alg":"HS256","a":"\xff"}', 'latin1').toString('base64url')}.${P}.${S}`,
  ],
  ['a payload that is not JSON', made({ alg: 'HS256' }, 'alice', hmac(SECRET))],
  ['a payload that is a list', made({ alg: 'HS256' }, [GOOD], hmac(SECRET))],
  ['a payload that is null', made({ alg: 'HS256' }, 'null', hmac(SECRET))],
  ['more than 8 KiB', claims({ filler: 'a'.repeat(8192) })],
  ['words', 'let me in'],
];

beforeAll(async () => {
  trap = await startUpstream();
});

afterAll(async () => {
  await trap.stop();
});

describe('tokens', () => {
  it.each(config.algorithms)('are accepted when they are good: %s', async (alg) => {
    const keys: Readonly<Record<string, KeyObject>> = {
      ES256: ec.privateKey,
      ES384: ec384.privateKey,
      ES512: ec521.privateKey,
      EdDSA: ed.privateKey,
    };
    const key = alg.startsWith('HS') ? Buffer.from(SECRET) : (keys[alg] ?? rsa.privateKey);
    const token = await new SignJWT(GOOD).setProtectedHeader({ alg, typ: 'JWT', kid: 'any' }).sign(key);
    expect(await verifier.verify(token)).toMatchObject({ consumer: 'alice' });
  });

  it('are accepted when our own tools for making hostile ones make them well', async () => {
    for (const token of [
      byHs,
      head({ kid: 'a', typ: 'at+JWT' }),
      claims({ aud: ['x', 'api'], exp: NOW - 29, nbf: NOW + 29 }),
    ]) {
      expect(await verifier.verify(token)).toMatchObject({ consumer: 'alice' });
    }
  });
});

describe('hostile tokens', () => {
  it.each(hostile)('are refused: %s', async (_name, token) => {
    expect(await verifier.verify(typeof token === 'string' ? token : token())).toBeInstanceOf(Rejected);
  });

  it('never make the verifier ask where they point to', () => {
    expect(trap.requests).toEqual([]);
  });

  it('are more than a hundred', () => {
    expect(new Set(hostile.map(([name]) => name)).size).toBeGreaterThan(100);
  });
});
