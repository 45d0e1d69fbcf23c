import { hash } from 'node:crypto';
import { type AuthConfig } from '#config';
import { type Exchange, type Principal } from '#kernel';
import { DECLARED } from '../consumers/declared.js';
import { asItIsNow, FIXED, type SignInsNow } from '../issued/fixed.js';
import { ACCESS_PREFIX } from '../issued/issued-tokens.js';
import { type Stores } from '../stores.js';
import { authorizationOf } from './authorization.js';
import { type Method, type Outcome, Rejected } from './method.js';

type ApiKeysConfig = NonNullable<AuthConfig['apiKeys']>;

const WRONG = new Rejected('The API key is unknown, expired or revoked.');
const LONGEST = 1024;

/**
 * API keys, by the SHA-256 of what was sent: those that the configuration declares, else those in the database. Only
 * digests are ever compared, so how long it takes tells a guesser nothing about the keys that there are.
 */
export class ApiKeyMethod implements Method<string> {
  readonly name = 'api-key';
  readonly challenge: string;
  readonly place: string;
  /** By the names of declared keys, for the tokens that were given for them. */
  private readonly byCredential: ReadonlyMap<string, Principal>;

  constructor(
    private readonly config: ApiKeysConfig,
    /** By the hexadecimal digits of the hash. */
    private readonly declared: ReadonlyMap<string, Principal>,
    /** For those who signed in. null: they are not let in, as on routes. */
    private readonly signIns: SignInsNow | null = null,
  ) {
    this.byCredential = new Map([...declared.values()].map((principal) => [principal.credential, principal]));
    const [header] = config.headers;
    const place = header === undefined ? `query="${config.query ?? ''}"` : `header="${header}"`;
    this.place = header === undefined ? ` as ?${config.query ?? ''}=` : ` in ${header}`;
    this.challenge = `ApiKey realm="aegis", ${place}`;
  }

  credentialIn(exchange: Exchange): string | null {
    for (const name of this.config.headers) {
      const value = name === 'authorization' ? inAuthorization(exchange) : exchange.req.headers[name];
      if (typeof value === 'string' && value !== '') return value;
    }
    const given = givenToken(exchange);
    if (given !== null || this.config.query === null) return given;
    return inQuery(exchange.query, this.config.query);
  }

  verify(key: string, { keys }: Stores): Outcome | Promise<Outcome> {
    if (key.length > LONGEST) return WRONG;
    const digest = hash('sha256', key, 'hex');
    const declared = this.declared.get(digest);
    if (declared !== undefined) return declared;
    const found = keys.find(digest);
    return found instanceof Promise ? found.then((principal) => this.settle(principal)) : this.settle(found);
  }

  /** A token for a declared key is as good as that key is now. */
  private settle(principal: Principal | null): Outcome {
    if (principal === null) return WRONG;
    if (principal.credential.startsWith(DECLARED)) return this.byCredential.get(principal.credential) ?? WRONG;
    if (!principal.credential.startsWith(FIXED)) return principal;
    return (this.signIns && asItIsNow(principal, this.signIns)) ?? WRONG;
  }
}

/** An access token of ours, which stands in `Authorization` wherever keys may stand. */
function givenToken(exchange: Exchange): string | null {
  const field = exchange.req.headers.authorization;
  if (field?.startsWith(ACCESS_PREFIX, 'bearer '.length) !== true) return null;
  return authorizationOf(exchange, 'bearer');
}

/** A token of three parts is a JWT, and not ours. */
function inAuthorization(exchange: Exchange): string | null {
  const own = authorizationOf(exchange, 'apikey');
  if (own !== null) return own;
  const bearer = authorizationOf(exchange, 'bearer');
  return bearer === null || bearer.split('.').length === 3 ? null : bearer;
}

/** Names are compared decoded. A parameter that is there more than once is no key: upstreams differ in which one counts. */
function inQuery(query: string, name: string): string | null {
  if (query.length <= 1) return null;
  const values = new URLSearchParams(query).getAll(name);
  if (values.length > 1) return AMBIGUOUS;
  return values[0] === undefined || values[0] === '' ? null : values[0];
}

/** Longer than a key can be. */
const AMBIGUOUS = ' '.repeat(LONGEST + 1);
