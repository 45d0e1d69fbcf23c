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
  readonly since: number;
  readonly suspect: S;
  readonly giveUp: () => void;
}

/** The answer when there is none. */
export const AWAY = Symbol('away');

const SLOW = 3;
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
      const waiting = { since: performance.now(), suspect, giveUp: () => resolve(AWAY) };
      this.waiting.add(waiting);
      this.watch ??= this.watchAfter(this.options.patience);
      start().then(
        (answer) => {
          this.answeredAt = performance.now();
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

  private watchAfter(delay: number): NodeJS.Timeout {
    const due = performance.now() + delay;
    // When we were late ourselves, the answers are here but not yet read: an immediate comes after reading.
    return setTimeout(() => setImmediate(() => this.lookForLate(performance.now() - due)), delay).unref();
  }

  private lookForLate(overslept: number): void {
    this.watch = undefined;
    const [oldest] = this.waiting;
    if (oldest === undefined) return;
    const { patience } = this.options;
    const now = performance.now();
    const age = now - oldest.since;
    // Whatever kept us from running may have kept the store from it as well: it gets its time from now on.
    const wasStalled = overslept > patience / 4;
    const limit = wasStalled || now - this.answeredAt < patience ? patience * SLOW : patience;
    if (age >= limit) this.open(oldest.suspect, `no answer within ${limit} ms`);
    else this.watch = this.watchAfter(wasStalled ? patience : Math.max(patience / 4, patience - age));
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
