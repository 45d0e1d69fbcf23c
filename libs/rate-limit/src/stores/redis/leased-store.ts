import { type Clock } from '#kernel';
import { type Limit } from '../../algorithms/index.js';
import { type Check, isAdmitted } from '../check.js';
import { Generations } from '../generations.js';
import { type LimiterStore, type Verdict } from '../limiter-store.js';
import { Lease } from './lease.js';
import { type RedisStore } from './redis-store.js';

/** Of a limit, what all instances together may hold in leases. */
const LEASED_SHARE = 0.05;
const LEASE_BYTES = 300;
const MOST_BYTES = 32 * 1024 * 1024;
/** Leases that nobody asked for in so long are void: the longest is valid for a second. */
const IDLE_MS = 2_000;
const TRIES = 3;

/**
 * Counts in Redis, but takes tokens in batches and spends them here, so that most requests ask nobody.
 *
 * Bound: all instances together hold at most 5% of a limit in leases, so at most 105% of it is admitted in any window, or
 * beyond burst + rate × time (fixed windows: the limit itself, since a lease ends with its window). Tokens that are not
 * spent within a tenth of the window, at most a second, are lost: up to 5% less may be admitted when traffic moves from
 * one instance to another. A batch begins with one token and doubles while it is used up.
 * Limits too small for a batch (5% ÷ instances < 2 tokens), and costs that only the answer tells, are asked for exactly.
 */
export class LeasedStore implements LimiterStore {
  private readonly leases: Generations<Lease>;

  constructor(
    private readonly redis: RedisStore,
    private readonly clock: Clock,
    private readonly instances: () => number,
  ) {
    this.leases = new Generations((key) => LEASE_BYTES + key.length, IDLE_MS, clock.monotonic());
  }

  check(checks: readonly Check[]): Verdict | Promise<Verdict> {
    const instances = Math.max(1, this.instances());
    for (const { take, rule } of checks) {
      if (take === 0 || largestBatch(rule.limit, instances) < 2) return this.redis.check(checks);
    }
    const now = this.clock.monotonic();
    this.leases.age(now);
    const leases = checks.map((check) => this.leaseOf(check, now));
    const verdict = decide(checks, leases, now);
    if (verdict === undefined) return this.redis.isAway ? this.redis.checkWithout(checks) : this.ask(checks, leases);
    if (verdict === 'admitted') this.renewEarly(checks, leases, now);
    return verdict;
  }

  charge(check: Check, cost: number): void {
    this.redis.charge(check, cost);
  }

  async forget(check: Check): Promise<boolean> {
    this.leases.delete(idOf(check));
    return this.redis.forget(check);
  }

  private leaseOf(check: Check, now: number): Lease {
    const id = idOf(check);
    const known = this.leases.get(id);
    if (known) return known;
    const lease = new Lease();
    this.leases.add(id, lease, MOST_BYTES / 2, now);
    return lease;
  }

  private async ask(checks: readonly Check[], leases: readonly Lease[]): Promise<Verdict> {
    for (let tries = 0; tries < TRIES; tries++) {
      if (!(await this.fetchMissing(checks, leases))) return this.redis.checkWithout(checks);
      const verdict = decide(checks, leases, this.clock.monotonic());
      if (verdict !== undefined) return verdict;
    }
    // Others were quicker each time; Redis itself decides who is next.
    return this.redis.check(checks);
  }

  /** Renews the leases that cannot pay, or waits for those who are at it. False: Redis is away. */
  private async fetchMissing(checks: readonly Check[], leases: readonly Lease[]): Promise<boolean> {
    const now = this.clock.monotonic();
    const underWay: Promise<boolean>[] = [];
    const mine: number[] = [];
    for (const [index, check] of checks.entries()) {
      const lease = leases[index];
      if (lease === undefined || lease.verdict(check, now) !== undefined) continue;
      if (lease.renewal) underWay.push(lease.renewal);
      else mine.push(index);
    }
    if (mine.length > 0) underWay.push(this.fetch(checks, leases, mine, now));
    const found = await Promise.all(underWay);
    return found.every(Boolean);
  }

  private fetch(
    checks: readonly Check[],
    leases: readonly Lease[],
    indices: readonly number[],
    now: number,
  ): Promise<boolean> {
    const instances = Math.max(1, this.instances());
    const asked = indices.flatMap((index) => checks[index] ?? []);
    const renewed = indices.flatMap((index) => leases[index] ?? []);
    const most = asked.map((check, at) => {
      return renewed[at]?.wanted(check, largestBatch(check.rule.limit, instances), now) ?? check.need;
    });
    const renewal = this.redis.lease(asked, most).then((told) => {
      for (const [at, lease] of renewed.entries()) {
        lease.renewal = null;
        const check = asked[at];
        const said = told?.[at];
        if (check && said) lease.renew(check, said, now, this.clock.monotonic());
      }
      return told !== null;
    });
    for (const lease of renewed) lease.renewal = renewal;
    return renewal;
  }

  /** A lease that runs low is renewed before it is empty, so that nobody has to wait for it. */
  private renewEarly(checks: readonly Check[], leases: readonly Lease[], now: number): void {
    for (const [index, lease] of leases.entries()) {
      if (lease.runsLow && !lease.renewal && !this.redis.isAway) void this.fetch(checks, leases, [index], now);
    }
  }
}

function idOf({ rule, key }: Check): string {
  return `${rule.name}|${key}`;
}

/** What the leases allow, and then spends them; undefined: that is not known here. */
function decide(checks: readonly Check[], leases: readonly Lease[], now: number): Verdict | undefined {
  let unknown = false;
  for (const [index, check] of checks.entries()) {
    const allowed = leases[index]?.verdict(check, now);
    check.allowed = allowed ?? true;
    if (allowed === undefined) unknown = true;
  }
  const admitted = isAdmitted(checks);
  if (admitted && unknown) return undefined;
  for (const [index, check] of checks.entries()) leases[index]?.settle(check, admitted && check.allowed, now);
  return admitted ? 'admitted' : 'refused';
}

function largestBatch({ limit, capacity }: Limit, instances: number): number {
  return Math.floor((Math.min(limit, capacity) * LEASED_SHARE) / instances);
}
