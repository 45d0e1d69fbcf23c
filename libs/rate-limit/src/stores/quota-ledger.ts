import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { monthOf } from '../algorithms/month.js';
import { type Rule } from '../rules/rule.js';
import { type MemoryStore, type QuotaBook } from './memory-store.js';

/** What one key has used of a quota in one period; times are milliseconds since the epoch. */
export interface QuotaUse {
  readonly rule: string;
  readonly key: string;
  readonly startsAt: number;
  readonly used: number;
}

/** Where quotas are when no instance runs. */
export interface QuotaRows {
  load(since: number, most: number): Promise<readonly QuotaUse[]>;
  /** Adds, and answers the sums. */
  add(uses: readonly QuotaUse[]): Promise<readonly QuotaUse[]>;
  remove(rule: string, key: string): Promise<void>;
}

export interface LedgerOptions {
  readonly rows: QuotaRows;
  readonly memory: MemoryStore;
  readonly rules: () => ReadonlyMap<string, Rule>;
  readonly now: () => number;
  /** Milliseconds between two writes. */
  readonly every?: number;
}

interface Spent {
  readonly rule: Rule;
  readonly key: string;
  readonly startsAt: number;
  used: number;
}

const EVERY_MS = 1_000;
const MOST_PENDING = 100_000;
const MOST_AT_ONCE = 5_000;
const MOST_LOADED = 200_000;

/**
 * Keeps the quotas that this process counts: what was spent is written a second later, in batches, and read back at start.
 * No request waits for it. Each write adds to the row and answers the sum, so that several instances on one database,
 * without Redis, know of each other's spending a second later.
 *
 * Bound: a process that is killed forgets what it admitted since its last write, a second and the time of the write; one
 * that is stopped forgets nothing. While the database is away what was spent waits here, for at most 100,000 keys; of
 * further ones the counts are enforced in this process and lost with it. A write whose answer is lost on the way is done
 * again: that can count one second twice, in favour of the limit.
 */
export class QuotaLedger implements QuotaBook, OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Quotas');
  private pending = new Map<string, Spent>();
  private writing: Promise<void> | null = null;
  private timer: NodeJS.Timeout | undefined;
  private failing = false;
  private unwritten = 0;

  constructor(private readonly options: LedgerOptions) {
    options.memory.book = this;
  }

  async onModuleInit(): Promise<void> {
    this.timer = setInterval(() => void this.write(), this.options.every ?? EVERY_MS).unref();
    const { rows, rules, now } = this.options;
    if (![...rules().values()].some(({ limit }) => limit.period !== null)) return;
    try {
      const since = monthOf(now() * 1000).start / 1000;
      for (const use of await rows.load(since, MOST_LOADED)) this.settle(use, 0);
    } catch (error) {
      this.logger.warn(
        `quotas could not be read, they begin empty and are added up when they are written: ${String(error)}`,
      );
    }
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
    while (this.pending.size > 0) {
      const before = this.pending.size;
      await this.write();
      if (this.pending.size >= before) break;
    }
    if (this.pending.size > 0)
      this.logger.error(`the last spending of ${this.pending.size} quotas could not be written`);
  }

  spent(rule: Rule, key: string, start: number, cost: number): void {
    const startsAt = start / 1000;
    const id = idOf(rule.name, key, startsAt);
    const known = this.pending.get(id);
    if (known) known.used += cost;
    else if (this.pending.size < MOST_PENDING) this.pending.set(id, { rule, key, startsAt, used: cost });
    else this.unwritten++;
  }

  /** The key begins anew, here and in the database. */
  async forget(rule: Rule, key: string): Promise<void> {
    if (rule.limit.period === null) return;
    await this.writing;
    for (const [id, spent] of this.pending)
      if (spent.rule.name === rule.name && spent.key === key) this.pending.delete(id);
    await this.options.rows.remove(rule.name, key);
  }

  /** Writes what is pending, a batch of it; never fails. */
  write(): Promise<void> {
    if (this.pending.size === 0) return Promise.resolve();
    this.writing ??= this.writeBatch().finally(() => (this.writing = null));
    return this.writing;
  }

  private async writeBatch(): Promise<void> {
    const batch = [...this.pending.values()].slice(0, MOST_AT_ONCE);
    for (const { rule, key, startsAt } of batch) this.pending.delete(idOf(rule.name, key, startsAt));
    try {
      const uses = batch.map(({ rule, key, startsAt, used }) => ({ rule: rule.name, key, startsAt, used }));
      for (const use of await this.options.rows.add(uses)) {
        this.settle(use, this.pending.get(idOf(use.rule, use.key, use.startsAt))?.used ?? 0);
      }
      if (this.failing) this.logger.warn('quotas are written again');
      this.failing = false;
    } catch (error) {
      for (const { rule, key, startsAt, used } of batch) this.spent(rule, key, startsAt * 1000, used);
      if (!this.failing) this.logger.warn(`quotas cannot be written, they are kept in the process: ${String(error)}`);
      this.failing = true;
    }
    if (this.unwritten === 0) return;
    this.logger.error(
      `too many quotas wait for the database: ${this.unwritten} requests are counted in the process only`,
    );
    this.unwritten = 0;
  }

  private settle({ rule, key, startsAt, used }: QuotaUse, more: number): void {
    const known = this.options.rules().get(rule);
    if (known !== undefined && known.limit.period !== null) {
      this.options.memory.settle(known, key, startsAt * 1000, used + more);
    }
  }
}

function idOf(rule: string, key: string, startsAt: number): string {
  return `${rule} ${key} ${startsAt}`;
}
