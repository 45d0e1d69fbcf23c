import {
  boolean,
  forms,
  list,
  object,
  optional,
  orOff,
  type Out,
  record,
  required,
  secret,
  text,
  wait,
  withDefault,
  word,
} from '../schema/index.js';
import { authRequirement } from './auth-requirement.js';
import { identity } from './identity.js';
import { publicKey } from './public-key.js';
import { ownLimit } from './rate-limiting.js';
import { headerName, method, name, rulePath, url } from './values.js';

const roles = list(text({ words: 'role' }));
const web = url('https:', 'http:');

const ALGORITHMS = [
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
] as const;
export type JwtAlgorithm = (typeof ALGORITHMS)[number];

const apiKeys = object({
  headers: withDefault(list(headerName), ['x-api-key'], 'Headers that may carry a key.'),
  query: optional(text({ words: 'parameter name' }), 'Query parameter that may carry a key. Absent: none may.', {
    example: 'api_key',
  }),
  hide: withDefault(boolean(), true, 'Take the key out before the request goes upstream.'),
});

const jwks = object({
  url: required(web, 'Where the key set is.', { example: 'https://issuer.example.com/.well-known/jwks.json' }),
  cache: withDefault(wait(), '10m', 'How long a set is used before it is fetched again.'),
  cooldown: withDefault(wait({ min: 0 }), '30s', 'Least time between two fetches, however many unknown keys are seen.'),
});

const jwksByUrl = web.to(
  (value): Out<typeof jwks> => ({ url: value, cache: 600_000, cooldown: 30_000 }),
  (value) => value.url,
);

const jwt = object({
  secrets: withDefault(
    list(
      secret({
        shown: () => '(masked: at least 32 bytes in the original)',
        check: (value) =>
          Buffer.byteLength(value) < 32 ? 'it is shorter than 32 bytes, which can be guessed' : undefined,
      }),
    ),
    [],
    'Shared secrets, for HS256, HS384 and HS512; at least 32 bytes each.',
  ),
  publicKeys: withDefault(list(publicKey), [], 'PEM or JWK: text, a map (JWK), or `{ file: … }`.', {
    example: [{ file: './issuer.pem' }],
  }),
  jwks: withDefault(
    list(forms({ text: jwksByUrl, map: jwks }, () => 'map')),
    [],
    'Key sets to fetch. A lone URL stands for `{ url: … }`.',
  ),
  issuer: withDefault(list(text({ words: 'issuer' }), { orOne: true }), [], 'Accepted `iss`; empty: any.'),
  audience: withDefault(list(text({ words: 'audience' }), { orOne: true }), [], 'Accepted `aud`; empty: any.'),
  algorithms: optional(
    list(word(...ALGORITHMS), { min: 1 }),
    'Accepted algorithms. Default: RS256, ES256, EdDSA, and with `secrets` HS256, HS384, HS512.',
    {
      example: ['RS256', 'ES256', 'EdDSA'],
    },
  ),
  clockTolerance: withDefault(wait({ min: 0 }), '30s', 'How far clocks may be apart.'),
  claims: withDefault(
    object({
      consumer: withDefault(text({ words: 'claim' }), 'sub', 'Claim that names the consumer.'),
      roles: withDefault(text({ words: 'claim' }), 'roles', 'Claim that lists roles.'),
      scopes: withDefault(text({ words: 'claim' }), 'scope', 'Claim that lists scopes.'),
    }),
    {},
    'Where in a token things are; a dot goes deeper.',
  ),
});
export type DeclaredJwt = Out<typeof jwt>;

const oauth2 = object({
  issuer: required(web, 'Issuer; OpenID discovery finds the rest.', { example: 'https://accounts.example.com' }),
  clientId: required(text(), 'Aegis’s client id there.', { example: 'aegis' }),
  clientSecret: optional(secret(), 'Its secret.', { example: '${OIDC_SECRET}' }),
  audience: withDefault(
    list(text({ words: 'audience' }), { orOne: true }),
    [],
    'Accepted `aud` of access tokens; empty: any.',
  ),
  introspection: withDefault(boolean(), false, 'Ask the issuer about opaque tokens (RFC 7662); answers are cached.'),
  introspectionCache: withDefault(
    wait({ min: 0, max: 60_000 }),
    '2s',
    'How long an answer is used: a token that was revoked there is refused here after that at the latest.',
  ),
  login: withDefault(
    object({
      enabled: withDefault(boolean(), false, 'Sign in to the console through the issuer.'),
      redirect: withDefault(
        text({ words: 'path or URL' }),
        '/api/admin/login/callback',
        'Where the issuer sends people back to.',
      ),
      scopes: withDefault(
        list(text({ words: 'scope' }), { min: 1 }),
        ['openid', 'profile', 'email'],
        'What the issuer is asked for.',
      ),
      claim: withDefault(text({ words: 'claim' }), 'groups', 'Claim that lists the groups of a person.'),
      roles: withDefault(record(text({ words: 'role' }), { of: 'group' }), {}, 'Group at the issuer → role here.', {
        example: { 'group-admins': 'admin' },
      }),
    }),
    {},
    'Sign-in to the console.',
  ),
});

const API_KEY_HASH = /^sha256:[0-9a-f]{64}$/;

const PASSWORD_HASH = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const MOST_MEMORY_KIB = 262_144;

function checkPasswordHash(value: string): string | undefined {
  const [, memory, passes, lanes, ...encoded] = PASSWORD_HASH.exec(value) ?? [];
  const [salt, hash] = encoded.map((part) => Buffer.from(part, 'base64'));
  if (salt === undefined || hash === undefined || salt.length < 8 || hash.length < 16) {
    return 'it is not an argon2id hash: make one with `aegis hash`';
  }
  const [m, t, p] = [Number(memory), Number(passes), Number(lanes)];
  if (p < 1 || p > 16 || t < 1 || t > 20 || m < 8 * p || m > MOST_MEMORY_KIB) {
    return `its cost is out of bounds: m up to ${MOST_MEMORY_KIB}, t up to 20, p up to 16`;
  }
  return undefined;
}

const userName = text({
  words: 'user name',
  check: (value) => (/[:\0-\x1f\x7f]/.test(value) ? 'a user name has no colon and no control characters' : undefined),
});

const password = object({
  username: optional(userName, 'Who signs in with it. Default: the name of the consumer.', { example: 'mobile' }),
  hash: required(
    secret({ words: 'hash of a password', check: checkPasswordHash }),
    'The argon2id hash of the password, as `aegis hash` prints it.',
    { example: '$argon2id$v=19$m=19456,t=2,p=1$bFwEW3/cy0zzGvxQpZKlqg$IdpZ/DWTdRNzHXX61OJsfRM7EE//qeqeNLYTdI+/4a4' },
  ),
});

const signingKey = object({
  keyId: required(text({ words: 'key id' }), 'The `keyid` of its signatures.', { example: 'mobile-2026' }),
  secret: optional(
    secret({
      shown: () => '(masked: at least 32 bytes in the original)',
      check: (value) =>
        Buffer.byteLength(value) < 32 ? 'it is shorter than 32 bytes, which can be guessed' : undefined,
    }),
    'Shared with the consumer, for hmac-sha256; at least 32 bytes. Or `publicKey`.',
    { example: { file: '/run/secrets/mobile' } },
  ),
  publicKey: optional(
    publicKey,
    'PEM or JWK, for ed25519, ecdsa-p256-sha256, ecdsa-p384-sha384 or rsa-pss-sha512, which the key decides.',
    { example: { file: './mobile.pem' } },
  ),
});

export const consumer = object({
  name: required(name, 'What the consumer is called.', { example: 'mobile-app' }),
  roles: withDefault(roles, [], 'Its roles.', { example: ['user'] }),
  plan: optional(text({ words: 'plan' }), 'Its plan, for rate limits.', { example: 'gold' }),
  tags: withDefault(list(text({ words: 'tag' })), [], 'Free words, for filters.'),
  apiKeys: withDefault(
    list(
      object({
        hash: required(
          text({
            words: 'hash of a key',
            check: (value) => (API_KEY_HASH.test(value) ? undefined : 'it is not a hash of a key'),
            allowed:
              'sha256: and the 64 lower-case hexadecimal digits of SHA-256(key), as `aegis keys create` prints it',
          }),
          '`sha256:` and the 64 hexadecimal digits of SHA-256(key).',
        ),
      }),
    ),
    [],
    'Its keys, as hashes.',
  ),
  basic: withDefault(list(password, { orOne: true }), [], 'Its passwords, as hashes, for `basic`.'),
  hmac: withDefault(list(signingKey, { orOne: true }), [], 'What it signs requests with, for `hmac`.'),
  certificates: withDefault(
    list(text({ words: 'name in a certificate' }), { orOne: true }),
    [],
    'What its client certificates say where `mtls.consumerFrom` looks: names, URIs or SHA-256 fingerprints. Empty: its own name.',
    { example: ['spiffe://example.com/mobile'] },
  ),
  limits: withDefault(
    record(ownLimit, { of: 'rule' }),
    {},
    'Limits of its own, by the name of the rule: counted for this consumer by itself, in place of what the rule says.',
    { example: { critical: { limit: 1000 } } },
  ),
});
export type ConsumerConfig = Out<typeof consumer>;

export const role = object({
  permissions: withDefault(
    list(text({ words: 'permission' })),
    [],
    'What it may do: `*`, `read:*`, `read:metrics` and the like.',
    {
      example: ['read:metrics'],
    },
  ),
  inherits: withDefault(roles, [], 'Roles whose permissions come along.'),
});

const accessRule = object({
  path: withDefault(rulePath, '/*', 'Paths: one, or everything at and below it with `/*`.', { example: '/admin/*' }),
  methods: withDefault(list(method, { orOne: true }), [], 'Methods; empty: all.'),
  roles: withDefault(roles, [], 'One of these is needed; empty: any caller that is known.', { example: ['admin'] }),
  permissions: withDefault(list(text({ words: 'permission' })), [], 'All of these are needed.'),
});

export const mtls = object({
  consumerFrom: withDefault(
    word('subject-cn', 'san-dns', 'san-uri', 'fingerprint'),
    'san-dns',
    'Part of the client certificate that names the consumer.',
  ),
});

export const basic = object({
  hide: withDefault(boolean(), true, 'Take the password out before the request goes upstream.'),
});

export const hmac = object({
  clockSkew: withDefault(wait(), '5m', 'How far the clock of a signature may be away.'),
  headers: withDefault(
    list(text({ words: 'header name' })),
    ['date', '(request-target)', 'digest'],
    'What a signature must cover.',
  ),
});

export const auth = object({
  default: withDefault(authRequirement, 'none', 'For routes that say nothing.'),
  apiKeys: withDefault(orOff(apiKeys), {}, 'API keys: in the database (hashed), or declared with their consumers.'),
  jwt: optional(orOff(jwt), 'Tokens that others issue. Absent: none.'),
  oauth2: optional(orOff(oauth2), 'OAuth 2.0 / OpenID Connect. Absent: none.'),
  mtls: optional(
    orOff(mtls),
    'Client certificates, which `gateway.tls.clientCa` verifies. On where a route lists `mtls`.',
  ),
  basic: optional(orOff(basic), 'User name and password. On where a route lists `basic`.', { example: {} }),
  hmac: optional(orOff(hmac), 'Signed requests. On where a route lists `hmac`.'),
  identity: optional(
    orOff(identity),
    'Tells upstreams who calls in `X-Aegis-Identity`, a JWT signed by Aegis that they can verify with the keys at `/_aegis/jwks.json`. Absent: only on routes that ask for it.',
    { example: {} },
  ),
  tokens: withDefault(
    object({
      access: withDefault(wait({ min: 1000 }), '15m', 'Life of an access token.'),
      refresh: withDefault(wait({ min: 1000, max: 2_147_483_647_000 }), '7d', 'Life of a refresh token.'),
      session: withDefault(
        wait({ min: 60_000, max: 31_536_000_000 }),
        '12h',
        'Life of a session in a browser. What groups at the issuer say is asked at the sign-in: a change there holds here after that at the latest.',
      ),
    }),
    {},
    'Tokens that Aegis issues itself.',
  ),
  consumers: withDefault(list(consumer), [], 'Who may call. The admin API adds more.'),
  rbac: withDefault(
    object({
      roles: withDefault(record(role, { of: 'role' }), {}, 'Roles, beside the built-in viewer, operator and admin.', {
        example: { user: { permissions: ['read:metrics'] } },
      }),
      rules: withDefault(list(accessRule), [], 'Who may go where; the first that matches decides.'),
    }),
    {},
    'Roles and what they may do.',
  ),
});
export type DeclaredAuth = Out<typeof auth>;
