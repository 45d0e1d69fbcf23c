import { type Clock, type Exchange, Refusal, soon } from '#kernel';
import { keyOf } from './rules/key.js';
import { type Rule } from './rules/rule.js';
import { compileRule } from './rules/rule-set.js';
import { Check } from './stores/check.js';
import { Generations } from './stores/generations.js';
import { type LimiterStore } from './stores/limiter-store.js';
import { UnderWay } from './under-way.js';

const FAILURES = 20;
const WINDOW_MS = 60_000;
const MOST_BYTES = 16 * 1024 * 1024;
/** What hangs holds nobody else up for longer. */
const PATIENCE_MS = 2_000;

/** A space, because names in a configuration have none. */
const RULE: Rule = compileRule(
  {
    name: 'failed credentials',
    path: '/*',
    methods: [],
    match: { consumer: [], roles: [], plan: [], header: {} },
    algorithm: 'sliding-window',
    limit: FAILURES,
    window: WINDOW_MS,
    period: null,
    burst: null,
    key: [{ kind: 'ip' }],
    cost: { kind: 'fixed', value: 1 },
    mode: 'enforce',
  },
  0,
);

/**
 * Guesses at credentials: after 20 failures from one address in a minute, credentials from there are not looked at until
 * the minute has passed. Only a failure is counted in the store, so that a request with a good credential costs nothing
 * here, and an instance knows who is shut out without asking: with n instances, at most n − 1 guesses more come through.
 *
 * Who sends many at once has no more guesses than who sends one after the other: a failure is counted before it is told, and
 * one beyond the number is told as such; a good credential waits while failures from its address are being counted.
 */
export class FailedCredentials {
  private readonly looks = new UnderWay();
  private readonly counts = new UnderWay();
  private readonly shutOut: Generations<number>;

  constructor(
    private readonly store: () => LimiterStore,
    /** Counts while the store cannot. */
    private readonly memory: LimiterStore,
    private readonly clock: Clock,
  ) {
    this.shutOut = new Generations((key) => 100 + key.length, WINDOW_MS, clock.monotonic());
  }

  /** When too many from this address failed. */
  refusal(exchange: Exchange): Refusal | null {
    const now = this.clock.monotonic();
    this.shutOut.age(now);
    if (this.shutOut.size === 0) return null;
    const left = (this.shutOut.get(keyOf(RULE.key, exchange)) ?? 0) - now;
    if (left <= 0) return null;
    exchange.rateLimited = true;
    const refused = new Check(RULE, keyOf(RULE.key, exchange), 1, 1);
    refused.allowed = false;
    exchange.limits = [refused];
    return new Refusal('rate_limited', 'Too many credentials from this address were wrong.', {
      'Retry-After': String(Math.ceil(left / 1000)),
    });
  }

  /** While a credential is looked at, and counted if it is wrong. */
  looking<T>(exchange: Exchange, look: Promise<T>): Promise<T> {
    return this.looks.follow(keyOf(RULE.key, exchange), look);
  }

  /** Once all that this address sent before was looked at: for what is known at once, and worth the most to a guesser. */
  async whenLookedAt(exchange: Exchange): Promise<void> {
    const others = this.looks.ended(keyOf(RULE.key, exchange));
    if (others !== null) await soon(others, PATIENCE_MS, () => new Error('it hangs')).catch(() => undefined);
  }

  /** Once the failures of this address were counted; null: they are. */
  whenCounted(exchange: Exchange): Promise<unknown> | null {
    return this.counts.none ? null : this.counts.ended(keyOf(RULE.key, exchange));
  }

  /** The address may guess again: `key` is `ip=…`. */
  async forget(key: string): Promise<boolean> {
    this.shutOut.delete(key);
    const check = new Check(RULE, key, 0, 0);
    await this.memory.forget(check);
    return this.store().forget(check);
  }

  /** A credential was not valid. What is said of it where there were too many before, else null. */
  async count(exchange: Exchange): Promise<Refusal | null> {
    const check = new Check(RULE, keyOf(RULE.key, exchange), 1, 1);
    await this.counts.follow(check.key, this.record(check));
    return check.allowed ? null : this.refusal(exchange);
  }

  private async record(check: Check): Promise<void> {
    const verdict = await this.store().check([check]);
    if (verdict === 'unchecked' || verdict === 'unavailable') await this.memory.check([check]);
    if (check.allowed && check.remaining > 0) return;
    const now = this.clock.monotonic();
    const until = now + Math.max(check.wait, check.renews) / 1000;
    const known = this.shutOut.get(check.key);
    if (known === undefined) this.shutOut.add(check.key, until, MOST_BYTES / 2, now);
    else this.shutOut.replace(check.key, until);
  }
}
