import { createHmac, randomBytes } from 'node:crypto';
import { type Clock } from '#kernel';
import { BoundedMap } from '../bounded-map.js';
import { Turnstile } from '../turnstile.js';
import { isPassword } from './password-hash.js';

/** So long an answer is used again; a password that is taken out of the configuration is not asked about any more. */
const RIGHT_MS = 60_000;
const WRONG_MS = 10_000;
const MOST_REMEMBERED = 10_000;

interface Remembered {
  readonly right: boolean;
  /** Monotonic milliseconds. */
  readonly until: number;
}

/**
 * Compares passwords with their hashes. That takes tens of milliseconds and megabytes on purpose, so recent answers are
 * remembered (under an HMAC with a key that only this process has, never the password), the same question is asked once at
 * a time, and only a few are under way at once: a flood of guesses uses up its turns, not the threads that everything else
 * needs too, and callers whose password is remembered do not notice it.
 */
export class PasswordChecks {
  private readonly key = randomBytes(32);
  private readonly remembered = new BoundedMap<string, Remembered>(MOST_REMEMBERED);
  private readonly underWay = new Map<string, Promise<boolean>>();
  private readonly turnstile = new Turnstile({
    atOnce: 2,
    waiting: 100,
    each: 10,
    full: 'Too many passwords are being checked at the moment.',
  });

  constructor(
    private readonly clock: Clock,
    private readonly compare: (hashed: string, password: string) => Promise<boolean> = isPassword,
  ) {}

  /** `address`: on whose behalf. */
  check(hashed: string, password: string, address: string): boolean | Promise<boolean> {
    const id = createHmac('sha256', this.key).update(`${hashed}\0${password}`).digest('base64');
    const known = this.remembered.get(id);
    if (known !== undefined) {
      if (known.until > this.clock.monotonic()) return known.right;
      this.remembered.delete(id);
    }
    const asked = this.underWay.get(id);
    if (asked !== undefined) return asked;
    const answer = this.turnstile
      .run(address, () => this.compare(hashed, password))
      .then((right) => this.remember(id, right))
      .finally(() => this.underWay.delete(id));
    this.underWay.set(id, answer);
    return answer;
  }

  private remember(id: string, right: boolean): boolean {
    this.remembered.set(id, { right, until: this.clock.monotonic() + (right ? RIGHT_MS : WRONG_MS) });
    return right;
  }
}
