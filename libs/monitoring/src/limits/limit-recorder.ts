import { type LimitUse } from '#kernel';
import { anonymized } from '../recorder/access-log.js';
import { type RecordReader } from '../recorder/recorder.js';
import { type RequestRecord } from '../recorder/request-record.js';

/** A row of `rate_limit_metrics`. */
interface LimitRow {
  readonly timestamp: number;
  readonly key: string;
  readonly rule: string;
  readonly allowed: boolean;
  readonly shadow: boolean;
  readonly limit: number;
  remaining: number;
  requests: number;
}

export interface LimitRecorderOptions {
  readonly insert: (rows: readonly LimitRow[]) => Promise<void>;
  readonly removeBefore: (time: Date) => Promise<void>;
  readonly settings: () => LimitRecorderSettings;
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

export interface LimitRecorderSettings {
  readonly enabled: boolean;
  readonly anonymizeIp: boolean;
  /** Milliseconds between two writes. */
  readonly flush: number;
  /** Rows in one statement. */
  readonly batch: number;
  readonly retentionDays: number;
}

const MOST_ROWS = 50_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The key of what had no room for a row of its own. */
export const OTHERS = '(others)';

/**
 * Turns what the limits said into rows: one for each second, rule, key and verdict, written every `flush`. No request
 * waits for it. At most 50,000 rows wait; what comes then is counted under the key `(others)`, so that the sums stay right.
 * While the database is away rows wait likewise, and past that many the oldest go and are counted in the log.
 */
export class LimitRecorder implements RecordReader {
  private rows = new Map<string, LimitRow>();
  private unwritten: LimitRow[] = [];
  private writing: Promise<void> | null = null;
  private timer: NodeJS.Timeout | undefined;
  private failing = false;
  private lost = 0;
  private prunedAt = -Infinity;

  constructor(private readonly options: LimitRecorderOptions) {}

  start(): void {
    this.timer = setTimeout(
      () => void this.flush().finally(() => this.timer && this.start()),
      this.options.settings().flush,
    );
    this.timer.unref();
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.writing;
    await this.flush();
  }

  read(records: readonly RequestRecord[], count: number): void {
    const { enabled, anonymizeIp } = this.options.settings();
    if (!enabled) return;
    for (let at = 0; at < count; at++) {
      const record = records[at];
      if (record === undefined) continue;
      for (const use of record.limits) this.add(use, record.time, anonymizeIp);
    }
  }

  /** Writes all that is there; never fails. */
  flush(): Promise<void> {
    this.writing ??= this.write().finally(() => (this.writing = null));
    return this.writing;
  }

  private add({ rule, key, allowed, limit, remaining }: LimitUse, time: number, anonymous: boolean): void {
    const second = time - (time % 1000);
    const shown = anonymous ? withoutAddress(key) : key;
    const full = this.rows.size + this.unwritten.length >= MOST_ROWS;
    const id = `${second} ${rule.name} ${allowed ? 1 : 0} ${shown}`;
    const known = this.rows.get(id);
    if (known !== undefined) {
      known.requests++;
      known.remaining = remaining;
    } else if (full && shown !== OTHERS) {
      this.add({ rule, key: OTHERS, allowed, limit, remaining: 0 }, time, false);
    } else {
      const row = { timestamp: second, key: shown, rule: rule.name, allowed, shadow: rule.shadow, limit, remaining };
      this.rows.set(id, { ...row, requests: 1 });
    }
  }

  private async write(): Promise<void> {
    const { insert, settings, warn } = this.options;
    this.unwritten.push(...this.rows.values());
    this.rows = new Map();
    const { batch } = settings();
    try {
      while (this.unwritten.length > 0) {
        const next = this.unwritten.slice(0, batch);
        await insert(next);
        this.unwritten.splice(0, next.length);
      }
      if (this.failing) warn(`usage of the limits is written again; ${this.lost} rows were lost`);
      this.failing = false;
      this.lost = 0;
      await this.prune();
    } catch (error) {
      if (!this.failing)
        warn(`usage of the limits cannot be written, the last ${MOST_ROWS} rows are kept: ${String(error)}`);
      this.failing = true;
      const tooMany = this.unwritten.length - MOST_ROWS / 2;
      if (tooMany <= 0) return;
      this.unwritten.splice(0, tooMany);
      this.lost += tooMany;
    }
  }

  private async prune(): Promise<void> {
    const now = this.options.now();
    if (now - this.prunedAt < HOUR_MS) return;
    this.prunedAt = now;
    await this.options.removeBefore(new Date(now - this.options.settings().retentionDays * DAY_MS));
  }
}

function withoutAddress(key: string): string {
  if (!key.includes('ip=')) return key;
  const parts = key.split(',');
  return parts.map((part) => (part.startsWith('ip=') ? `ip=${anonymized(part.slice(3))}` : part)).join(',');
}
