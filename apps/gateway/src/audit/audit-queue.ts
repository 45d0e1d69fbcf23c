import { type Clock } from '#kernel';
import { type AuditEntry, BY_ITSELF } from '#storage';

const MOST_WAITING = 1_000;
const AT_ONCE = 100;
const MOST_REFUSED = 300;
const MINUTE = 60_000;
const TRIED_AGAIN_AFTER = 1_000;
const PATIENCE_AT_END = 2_000;

/**
 * Entries that wait to be written, in the order in which things happened. There is room for so many, and for so many
 * refusals a minute: what does not fit is counted, and the count is written.
 */
export class AuditQueue {
  private readonly waiting: AuditEntry[] = [];
  private writing: Promise<void> | null = null;
  private leftOut = 0;
  private refused = 0;
  private minute = 0;
  private failing = false;
  private closing = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly write: (entries: readonly AuditEntry[]) => Promise<void>,
    private readonly clock: Clock,
    private readonly tell: (news: string) => void,
  ) {}

  /** `cheap`: anybody can cause as many as they like. */
  add(entry: AuditEntry, cheap: boolean): void {
    if (this.waiting.length >= MOST_WAITING || (cheap && !this.hasRoomForRefused())) this.leftOut++;
    else this.waiting.push(entry);
    this.writing ??= this.work().finally(() => (this.writing = null));
  }

  /** What waits is written, unless the database is away. */
  async close(): Promise<void> {
    this.closing = true;
    this.wake();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_AT_END)));
    await Promise.race([this.writing, late]).finally(() => clearTimeout(timer));
    if (this.waiting.length > 0) this.tell(`${this.waiting.length} entries could not be written and are lost`);
  }

  private hasRoomForRefused(): boolean {
    const minute = Math.floor(this.clock.monotonic() / MINUTE);
    if (minute !== this.minute) this.refused = 0;
    this.minute = minute;
    return this.refused++ < MOST_REFUSED;
  }

  private async work(): Promise<void> {
    // Whoever is refused in the same moment comes along.
    await Promise.resolve();
    while (this.waiting.length > 0 || this.leftOut > 0) {
      const entries = this.waiting.slice(0, AT_ONCE);
      const { leftOut } = this;
      try {
        await this.write(leftOut === 0 ? entries : [...entries, this.countOf(leftOut)]);
        this.waiting.splice(0, entries.length);
        this.leftOut -= leftOut;
        if (this.failing) this.tell('entries are written again');
        this.failing = false;
      } catch (error) {
        if (!this.failing) this.tell(`entries wait, the log cannot be written: ${String(error)}`);
        this.failing = true;
        if (this.closing) return;
        await this.rest();
      }
    }
  }

  private async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, TRIED_AGAIN_AFTER);
      timer.unref();
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private countOf(leftOut: number): AuditEntry {
    return {
      ...BY_ITSELF,
      at: new Date(this.clock.now()),
      operation: 'audit left out',
      after: { entries: leftOut },
    };
  }
}
