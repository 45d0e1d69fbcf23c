import { createHash } from 'node:crypto';
import { type Exchange, type Principal } from '#kernel';
import { type PasswordChecks } from '../passwords/password-checks.js';
import { authorizationOf } from './authorization.js';
import { type Method, type Outcome, Rejected } from './method.js';

const WRONG = new Rejected('The user name or the password is wrong.');
const LONGEST = 1024;
/** Of nobody, at the usual cost: somebody who does not exist takes as long as somebody who does. */
const NOBODYS = '$argon2id$v=19$m=19456,t=2,p=1$bFwEW3/cy0zzGvxQpZKlqg$IdpZ/DWTdRNzHXX61OJsfRM7EE//qeqeNLYTdI+/4a4';

export interface PasswordOwner {
  /** In PHC's notation. */
  readonly hash: string;
  readonly principal: Principal;
}

interface Credential {
  /** null: it cannot be read. */
  readonly user: string | null;
  readonly password: string;
  readonly address: string;
}

/** User name and password (RFC 7617), in UTF-8. */
export class BasicMethod implements Method<Credential> {
  readonly name = 'basic';
  readonly challenge = 'Basic realm="aegis", charset="UTF-8"';
  private readonly hashes: readonly string[];

  constructor(
    /** By user name. */
    private readonly owners: ReadonlyMap<string, PasswordOwner>,
    private readonly checks: PasswordChecks,
  ) {
    this.hashes = owners.size === 0 ? [NOBODYS] : [...owners.values()].map(({ hash }) => hash);
  }

  credentialIn(exchange: Exchange): Credential | null {
    const sent = authorizationOf(exchange, 'basic');
    if (sent === null) return null;
    const text = sent.length > 2 * LONGEST ? null : decoded(sent);
    const colon = text?.indexOf(':') ?? -1;
    const { clientIp: address } = exchange;
    if (text === null || colon === -1) return { user: null, password: '', address };
    return { user: text.slice(0, colon), password: text.slice(colon + 1), address };
  }

  verify({ user, password, address }: Credential): Outcome | Promise<Outcome> {
    if (user === null || password.length > LONGEST) return WRONG;
    const owner = this.owners.get(user);
    const right = this.checks.check(owner?.hash ?? this.insteadFor(user), password, address);
    const outcome = (is: boolean): Outcome => (is && owner !== undefined ? owner.principal : WRONG);
    return right instanceof Promise ? right.then(outcome) : outcome(right);
  }

  /** Whose hash an unknown user is compared with: always the same, so that costs tell nothing where they differ. */
  private insteadFor(user: string): string {
    const place = createHash('sha256').update(user).digest().readUInt32BE(0) % this.hashes.length;
    return this.hashes[place] ?? NOBODYS;
  }
}

/** null: not Base64, or not UTF-8, or with control characters, which no user name or password has. */
function decoded(text: string): string | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) return null;
  try {
    const decodedText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return /[\0-\x1f\x7f]/.test(decodedText) ? null : decodedText;
  } catch {
    return null;
  }
}
