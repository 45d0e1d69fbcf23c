import { type RateLimitAlgorithm } from '#config';
import { type Clock } from '#kernel';
import { type FixedCount } from '../algorithms/fixed-window.js';
import { type Algorithm, ALGORITHMS, type Limit } from '../algorithms/index.js';
import { type Rule } from '../rules/rule.js';
import { type Check, isAdmitted } from './check.js';
import { Generations } from './generations.js';
import { type LimiterStore, type Verdict } from './limiter-store.js';

/** What a key costs beside its text and its log. */
const ENTRY_BYTES = 220;
const DEFAULT_BYTES = 64 * 1024 * 1024;
/** How often keys of rules that nobody asks about any more are looked for, in microseconds. */
const SWEEP = 1_000_000;

export interface QuotaBook {
  /** `start`: of the period, in microseconds since the epoch. */
  spent(rule: Rule, key: string, start: number, cost: number): void;
}

/**
 * Counts in this process.
 *
 * Memory: at most `bytes` (64 MB, about 250,000 keys), whatever comes. A key goes when it has been idle for so long that
 * its state is as good as fresh, which loses nothing. When that does not make room, the older half of the rule that takes
 * most goes, the least recently used first; a key that was in it starts with its whole limit again.
 * Time: O(1) for each check, and nothing waits.
 */
export class MemoryStore implements LimiterStore {
  /** Hears of what is spent of quotas of the calendar. */
  book: QuotaBook | null = null;
  private readonly tables = new Map<string, Table>();
  /** States of the request at hand; kept to save an array for each. */
  private readonly cells: Cell[] = [new Cell(), new Cell(), new Cell(), new Cell()];
  private weight = 0;
  private sweptAt = 0;

  constructor(
    private readonly clock: Clock,
    private readonly bytes = DEFAULT_BYTES,
    /** The limit that is enforced here for the limit of a rule. */
    private readonly share: (limit: Limit) => Limit = (limit) => limit,
  ) {}

  /** Bytes, as they are estimated, and keys. */
  get usage(): { readonly bytes: number; readonly keys: number } {
    let keys = 0;
    for (const table of this.tables.values()) keys += table.size;
    return { bytes: this.weight, keys };
  }

  check(checks: readonly Check[]): Verdict {
    const elapsed = this.elapsed();
    if (elapsed - this.sweptAt >= SWEEP) this.sweep(elapsed);
    const count = checks.length;
    for (let index = 0; index < count; index++) {
      const check = checks[index];
      if (check === undefined) continue;
      const cell = this.find(this.cell(index), check, elapsed);
      check.wait = cell.algorithm.wait(cell.limit, cell.state, cell.now, check.need);
      check.allowed = check.wait === 0;
    }
    const admitted = isAdmitted(checks);
    for (let index = 0; index < count; index++) {
      const check = checks[index];
      if (check === undefined) continue;
      const cell = this.cell(index);
      if (admitted && check.allowed && check.take > 0) this.take(cell, check, check.take, elapsed);
      const left = cell.algorithm.left(cell.limit, cell.state, cell.now);
      check.remaining = left;
      check.renews =
        left + 1 > cell.limit.capacity ? 0 : cell.algorithm.wait(cell.limit, cell.state, cell.now, left + 1);
    }
    return admitted ? 'admitted' : 'refused';
  }

  charge(check: Check, cost: number): void {
    const elapsed = this.elapsed();
    const cell = this.find(this.cell(0), check, elapsed);
    this.take(cell, check, cost, elapsed);
    // What was charged without asking can be owed for longer than the limit would ever let it.
    cell.table.hold(elapsed + cell.algorithm.memory(cell.limit, cell.state));
  }

  forget({ rule, key }: Check): true {
    const table = this.tables.get(rule.table);
    if (table !== undefined) {
      const before = table.weight;
      table.delete(key);
      this.weight += table.weight - before;
    }
    return true;
  }

  /** So much was used of a quota in the period that began at `start`, here and elsewhere. */
  settle(rule: Rule, key: string, start: number, count: number): void {
    const cell = this.find(this.cell(0), { rule, key }, this.elapsed());
    const state = cell.state as FixedCount;
    if (state.start > start) return;
    state.start = start;
    state.count = count;
  }

  private elapsed(): number {
    return Math.floor(this.clock.monotonic() * 1000);
  }

  private cell(index: number): Cell {
    return (this.cells[index] ??= new Cell());
  }

  private find(cell: Cell, { rule, key }: Pick<Check, 'rule' | 'key'>, elapsed: number): Cell {
    const { algorithm } = rule.limit;
    const limit = this.share(rule.limit);
    const table = this.tableOf(rule, limit, elapsed);
    cell.table = table;
    cell.limit = limit;
    cell.algorithm = ALGORITHMS[algorithm];
    // Windows that are aligned to the clock follow it when it is set; nothing else should.
    cell.now = algorithm === 'fixed-window' ? Math.floor(this.clock.now() * 1000) : elapsed;
    cell.state = table.get(key) ?? this.begin(table, key, cell.algorithm, elapsed);
    return cell;
  }

  private begin(table: Table, key: string, algorithm: Algorithm<unknown>, elapsed: number): unknown {
    const state = algorithm.fresh();
    const before = table.weight;
    table.add(key, state, this.bytes / 2, elapsed);
    this.weight += table.weight - before;
    if (this.weight > this.bytes) this.makeRoom(table, elapsed);
    return state;
  }

  /** A rule of a new configuration takes over what was counted under its name, as long as it counts in the same way. */
  private tableOf(rule: Rule, limit: Limit, elapsed: number): Table {
    const lifetime = ALGORITHMS[limit.algorithm].memory(limit);
    const known = this.tables.get(rule.table);
    if (known?.algorithm !== limit.algorithm) {
      if (known) this.weight -= known.weight;
      const table = new Table(limit.algorithm, lifetime, elapsed);
      this.tables.set(rule.table, table);
      return table;
    }
    const before = known.weight;
    known.lifetime = lifetime;
    known.age(elapsed);
    this.weight += known.weight - before;
    return known;
  }

  private take(cell: Cell, { rule, key }: Check, cost: number, elapsed: number): void {
    const { algorithm, state } = cell;
    const before = algorithm.weight(state);
    algorithm.charge(cell.limit, state, cell.now, cost);
    if (cell.limit.period !== null) this.book?.spent(rule, key, (state as FixedCount).start, cost);
    const more = algorithm.weight(state) - before;
    if (more === 0) return;
    cell.table.grown(more);
    this.weight += more;
    if (this.weight > this.bytes) this.makeRoom(cell.table, elapsed);
  }

  /** The heaviest table gives up its older half, until there is room. */
  private makeRoom(used: Table, elapsed: number): void {
    while (this.weight > this.bytes) {
      let heaviest = used;
      for (const table of this.tables.values()) if (table.weight > heaviest.weight) heaviest = table;
      this.weight -= heaviest.weight;
      heaviest.turn(elapsed);
      this.weight += heaviest.weight;
    }
  }

  private sweep(elapsed: number): void {
    this.sweptAt = elapsed;
    for (const [name, table] of this.tables) {
      const before = table.weight;
      table.age(elapsed);
      this.weight += table.weight - before;
      if (table.size === 0) this.tables.delete(name);
    }
  }
}

class Table extends Generations<unknown> {
  constructor(
    readonly algorithm: RateLimitAlgorithm,
    lifetime: number,
    now: number,
  ) {
    super((key, state) => ENTRY_BYTES + key.length + ALGORITHMS[algorithm].weight(state), lifetime, now);
  }
}

/** What is needed of one check between asking and charging. */
class Cell {
  table!: Table;
  limit!: Limit;
  algorithm!: Algorithm<unknown>;
  state: unknown = null;
  now = 0;
}
