export interface BreakerState {
  readonly state: 'closed' | 'open';
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Why it opened; empty while it is closed. */
  readonly reason: string;
}

export interface BreakerOptions<S> {
  /** Milliseconds that a call waits for a store that answers nobody; thrice that for one that is only slow. */
  readonly patience: number;
  /** Finds out whether it works again; `suspect` is what the failed call was about. */
  readonly probe: (suspect: S) => Promise<void>;
  readonly now: () => number;
  readonly onChange: (state: BreakerState) => void;
}

interface Waiting<S> {
  /** In milliseconds that this process ran. */
  readonly since: number;
  readonly suspect: S;
  readonly giveUp: () => void;
}

/** The answer when there is none. */
export const AWAY = Symbol('away');

const SLOW = 3;
const TICK_MS = 20;
const FIRST_PROBE_MS = 100;
const LONGEST_PAUSE_MS = 500;
const MOST_PROBES = 8;

/**
 * Stands between us and a store that may be away. The first call that fails, or has no answer within `patience` while
 * nobody else gets one either, opens it: all that wait are let go at once, and from then on nobody waits at all. One probe at a time, at random intervals of at
 * most half a second, finds out when the store is back; only then are calls let through again. So a store that hangs costs
 * the requests that were under way `patience` once, and one that comes back meets no crowd of retries.
 */
export class Breaker<S> {
  private current: BreakerState;
  private readonly waiting = new Set<Waiting<S>>();
  private watch: NodeJS.Timeout | undefined;
  private nextProbe: NodeJS.Timeout | undefined;
  private probes = 0;
  private answeredAt = -Infinity;
  /** Milliseconds that this process was seen to run while something waited, up to the last tick. */
  private ran = 0;
  private tickedAt = 0;
  private stopped = false;

  constructor(private readonly options: BreakerOptions<S>) {
    this.current = { state: 'closed', since: options.now(), reason: '' };
  }

  get state(): BreakerState {
    return this.current;
  }

  get isOpen(): boolean {
    return this.current.state === 'open';
  }

  /** The answer of `start`, or AWAY. Never fails. */
  call<T>(suspect: S, start: () => Promise<T>): Promise<T | typeof AWAY> {
    if (this.isOpen) return Promise.resolve(AWAY);
    return new Promise((resolve) => {
      if (this.watch === undefined) this.startWatch();
      const waiting = { since: this.ranUntil(performance.now()), suspect, giveUp: () => resolve(AWAY) };
      this.waiting.add(waiting);
      start().then(
        (answer) => {
          this.answeredAt = this.ran;
          if (this.waiting.delete(waiting)) resolve(answer);
        },
        (error: unknown) => {
          if (!this.waiting.delete(waiting)) return;
          resolve(AWAY);
          if (isAboutTheStore(error)) this.open(suspect, messageOf(error));
        },
      );
    });
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.watch);
    clearTimeout(this.nextProbe);
  }

  private startWatch(): void {
    this.tickedAt = performance.now();
    this.watch = setTimeout(() => this.tick(), TICK_MS).unref();
  }

  /** While we were kept from running, the store perhaps was as well, and its answers were not read: that does not count. */
  private ranUntil(now: number): number {
    return this.ran + Math.min(now - this.tickedAt, 2 * TICK_MS);
  }

  private tick(): void {
    this.ran = this.ranUntil(performance.now());
    if (this.waiting.size === 0) {
      this.watch = undefined;
      return;
    }
    this.startWatch();
    // An immediate comes after what has arrived was read.
    setImmediate(() => this.lookForLate());
  }

  private lookForLate(): void {
    const [oldest] = this.waiting;
    if (oldest === undefined) return;
    const { patience } = this.options;
    const limit = this.ran - this.answeredAt < patience ? patience * SLOW : patience;
    if (this.ran - oldest.since >= limit) this.open(oldest.suspect, `no answer within ${limit} ms`);
  }

  private open(suspect: S, reason: string): void {
    if (this.isOpen || this.stopped) return;
    this.change({ state: 'open', since: this.options.now(), reason });
    const all = [...this.waiting];
    this.waiting.clear();
    for (const { giveUp } of all) giveUp();
    this.probeAfter(FIRST_PROBE_MS, suspect);
  }

  private probeAfter(pause: number, suspect: S): void {
    const delay = pause * (0.5 + Math.random() / 2);
    this.nextProbe = setTimeout(() => this.probe(pause, suspect), delay).unref();
  }

  private probe(pause: number, suspect: S): void {
    this.probeAfter(Math.min(pause * 2, LONGEST_PAUSE_MS), suspect);
    // Answers that a hanging store owes are no reason to ask it without end.
    if (this.probes >= MOST_PROBES) return;
    this.probes++;
    this.options
      .probe(suspect)
      .then(() => this.close())
      .catch(() => undefined)
      .finally(() => this.probes--);
  }

  private close(): void {
    if (!this.isOpen || this.stopped) return;
    clearTimeout(this.nextProbe);
    this.change({ state: 'closed', since: this.options.now(), reason: '' });
  }

  private change(state: BreakerState): void {
    this.current = state;
    this.options.onChange(state);
  }
}

/** An answer that is wrong for one key, such as a key of another type, says nothing of the store. */
function isAboutTheStore(error: unknown): boolean {
  return !/^(WRONGTYPE|ERR) /.test(messageOf(error));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
