import { type Algorithm, type Limit } from './algorithm.js';

/**
 * Sliding window: remembers what was admitted, and when, for as long as it is inside the window.
 *
 * Bound: in any stretch of one window, wherever it begins, at most `limit` is admitted.
 * Exact form (limits up to 1,000, `grain` 1): each entry leaves exactly one window after it came, so that never less than
 * the limit is admitted either. Weakness: it keeps an entry for each request that is in the window.
 * Constant-memory form (larger limits, `grain` = window ÷ 100): entries of one grain are kept as one, dated to its end.
 * The bound above holds as it stands; what an entry took comes back up to one grain, 1% of the window, too late. At most
 * 101 entries are kept, whatever the limit.
 *
 * An entry carries the total up to and including itself, so that what the window holds is one subtraction.
 */
export interface Log {
  /** Time and total of each entry, one after the other. A plain array: for a few numbers a typed one takes thrice as much. */
  ring: number[];
  /** Where the oldest entry is; the others follow, around the end. */
  head: number;
  size: number;
  /** The total before the oldest entry. */
  before: number;
}

/** The largest limit that is counted exactly. */
export const EXACT_UP_TO = 1000;
const GRAINS = 100;

/** `smallest`: the least that one request costs. */
export function grainOf(limit: number, smallest: number, window: number): number {
  return limit / smallest <= EXACT_UP_TO ? 1 : Math.ceil(window / GRAINS);
}

const FIRST_ENTRIES = 4;
const LOG_BYTES = 80;

export const slidingWindow: Algorithm<Log> = {
  fresh: () => ({ ring: [], head: 0, size: 0, before: 0 }),

  wait(limit, log, now, need) {
    if (need > limit.limit) return Infinity;
    const oldest = firstInside(limit, log, now);
    if (used(log, oldest) + need <= limit.limit) return 0;
    const target = totalAt(log, log.size - 1) + need - limit.limit;
    const leaves = firstWith(oldest, log.size - 1, (index) => totalAt(log, index) >= target);
    return timeAt(log, leaves) + limit.window - now;
  },

  charge(limit, log, now, cost) {
    if (cost === 0) return;
    forget(log, firstInside(limit, log, now));
    let time = Math.ceil(now / limit.grain) * limit.grain;
    const last = log.size - 1;
    if (last >= 0 && timeAt(log, last) >= time) time = timeAt(log, last);
    const total = (last >= 0 ? totalAt(log, last) : log.before) + cost;
    if (last < 0 || timeAt(log, last) < time) append(log, time, total);
    else log.ring[slot(log, last) + 1] = total;
  },

  left(limit, log, now) {
    return Math.max(0, Math.floor(limit.limit - used(log, firstInside(limit, log, now))));
  },

  weight: ({ ring }) => LOG_BYTES + ring.length * 8,
  memory: ({ window, grain }) => window + grain,
};

/** Index of the first entry that is still in the window; `size` when none is, or when the clock was set far back. */
function firstInside({ window, grain }: Limit, log: Log, now: number): number {
  if (log.size === 0 || timeAt(log, log.size - 1) - now > window + grain) return log.size;
  const cutoff = now - window;
  return timeAt(log, 0) > cutoff ? 0 : firstWith(0, log.size, (index) => timeAt(log, index) > cutoff);
}

/** The first index from `low` on that `passes`, else `high`, by bisection: all after one that passes do too. */
function firstWith(low: number, high: number, passes: (index: number) => boolean): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function used(log: Log, oldest: number): number {
  if (oldest === log.size) return 0;
  return totalAt(log, log.size - 1) - (oldest === 0 ? log.before : totalAt(log, oldest - 1));
}

/** Drops the entries before `oldest`. */
function forget(log: Log, oldest: number): void {
  if (oldest === 0) return;
  log.before = oldest === log.size ? 0 : totalAt(log, oldest - 1);
  log.head = slot(log, oldest);
  log.size -= oldest;
}

function append(log: Log, time: number, total: number): void {
  if (log.size * 2 === log.ring.length) grow(log);
  const at = slot(log, log.size);
  log.ring[at] = time;
  log.ring[at + 1] = total;
  log.size++;
}

function grow(log: Log): void {
  const ring = new Array<number>(Math.max(FIRST_ENTRIES, log.size * 2) * 2).fill(0);
  for (let index = 0; index < log.size; index++) {
    ring[index * 2] = timeAt(log, index);
    ring[index * 2 + 1] = totalAt(log, index);
  }
  log.ring = ring;
  log.head = 0;
}

/** A ring has room for a power of two of entries. */
function slot(log: Log, index: number): number {
  return (log.head + index * 2) & (log.ring.length - 1);
}

function timeAt(log: Log, index: number): number {
  return log.ring[slot(log, index)] ?? 0;
}

function totalAt(log: Log, index: number): number {
  return log.ring[slot(log, index) + 1] ?? 0;
}
