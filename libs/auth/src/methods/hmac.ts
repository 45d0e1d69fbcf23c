import { createHash, randomBytes } from 'node:crypto';
import { type AuthConfig } from '#config';
import { bodyFollows, type Clock, type Exchange, type Principal, Refusal } from '#kernel';
import { type Stores } from '../stores.js';
import { digestCheck } from '../signatures/content-digest.js';
import { Coverage } from '../signatures/coverage.js';
import { type ReceivedSignature, receivedSignatures } from '../signatures/received-signature.js';
import { signatureBase } from '../signatures/signature-base.js';
import { sharedSecret, type SigningKey } from '../signatures/signing-key.js';
import { type Method, type Outcome, Rejected } from './method.js';

type HmacConfig = NonNullable<AuthConfig['hmac']>;

const UNREADABLE = new Rejected('Signature-Input and Signature cannot be read, or do not go together.');
const WRONG = new Rejected('The signature does not hold, or its key is not known here.');
const NO_TIME = new Rejected('The signature must say when it was made: created, or a Date field that it covers.');
const STALE = new Rejected('The signature is too old, has expired, or is from the future: compare the clocks.');
const USED = new Rejected('This signature was used before.');
const NO_DIGEST = new Rejected('The Content-Digest that the signature covers has no sha-256 or sha-512 in it.');
/** For clocks of instances that differ a little. */
const SPARE_MS = 5_000;

export interface Signer {
  readonly key: SigningKey;
  readonly principal: Principal;
}

interface Credential {
  readonly exchange: Exchange;
  readonly signatures: readonly ReceivedSignature[];
}

/**
 * Signed requests (RFC 9421). The signature has to cover what the configuration lists, be fresh, and be used once. A body
 * whose digest it covers is compared while it streams by, and its end is not handed on before that has come out well.
 */
export class HmacMethod implements Method<Credential> {
  readonly name = 'hmac';
  readonly challenge = 'Signature realm="aegis"';
  private readonly coverage: Coverage;
  /** Who is not known takes as long as who is. */
  private readonly nobodys = sharedSecret(randomBytes(32).toString('base64'));

  constructor(
    private readonly config: HmacConfig,
    /** By key id. */
    private readonly signers: ReadonlyMap<string, Signer>,
    private readonly clock: Clock,
  ) {
    this.coverage = new Coverage(config.headers);
  }

  credentialIn(exchange: Exchange): Credential | null {
    const { signature, 'signature-input': input } = exchange.req.headers;
    if (signature === undefined && input === undefined) return null;
    return { exchange, signatures: receivedSignatures(String(input ?? ''), String(signature ?? '')) };
  }

  /** Of several signatures, the first whose key is known decides. */
  verify({ exchange, signatures }: Credential, { replays }: Stores): Outcome | Promise<Outcome> {
    const signature = signatures.find(({ keyId }) => this.signers.has(keyId)) ?? signatures[0];
    if (signature === undefined) return UNREADABLE;
    const signer = this.signers.get(signature.keyId);
    const key = signer?.key ?? this.nobodys;
    const base = signatureBase(exchange, signature);
    const holds = base !== null && key.signed(base, signature.bytes);
    if (!holds || signer === undefined || (signature.alg ?? key.alg) !== key.alg) return WRONG;
    const missing = this.coverage.missing(signature, exchange);
    if (missing !== null) return new Rejected(`The signature must cover ${missing}.`);
    const left = this.timeLeft(signature, exchange);
    if (left instanceof Rejected) return left;
    const checked = this.checkBody(signature, exchange);
    if (checked !== null) return checked;
    const first = replays.first(idOf(signature, key), left + SPARE_MS);
    const outcome = (is: boolean): Outcome => (is ? signer.principal : USED);
    return first instanceof Promise ? first.then(outcome) : outcome(first);
  }

  /** Milliseconds for which it could still be used. */
  private timeLeft({ created, expires, components }: ReceivedSignature, { req }: Exchange): number | Rejected {
    const { clockSkew } = this.config;
    const now = this.clock.now();
    const dated = created === null && components.some(([name, parameters]) => name === 'date' && parameters.size === 0);
    const made = created !== null ? created * 1000 : dated ? Date.parse(req.headers.date ?? '') : NaN;
    if (Number.isNaN(made)) return NO_TIME;
    const until = Math.min(made + clockSkew, expires === null ? Infinity : expires * 1000);
    return made - now > clockSkew || until <= now ? STALE : until - now;
  }

  /** Has the body watched, where the signature covers its digest. */
  private checkBody({ components }: ReceivedSignature, exchange: Exchange): Rejected | null {
    if (!components.some(([name]) => name === 'content-digest')) return null;
    const field = exchange.req.headers['content-digest'];
    const check = digestCheck(typeof field === 'string' ? field : undefined, OTHER_BODY);
    if (check === null) return NO_DIGEST;
    if (bodyFollows(exchange.req)) exchange.bodyCheck = check;
    else if (check.end() !== null) return new Rejected(OTHER_BODY.detail);
    return null;
  }
}

const OTHER_BODY = new Refusal(
  'invalid_credentials',
  'The body is not the one that the signed Content-Digest describes.',
  {
    'WWW-Authenticate': 'Signature realm="aegis"',
  },
);

function idOf({ keyId, nonce, bytes }: ReceivedSignature, key: SigningKey): string {
  const once = nonce === null ? (key.once?.(bytes) ?? bytes) : Buffer.from(`nonce ${nonce}`);
  return createHash('sha256').update(`${keyId}\0`).update(once).digest('base64url');
}
