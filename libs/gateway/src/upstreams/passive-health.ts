export interface PassiveSettings {
  /** In a row. */
  readonly failures: number;
  /** Milliseconds, the first time. */
  readonly eject: number;
  /** Share of the targets, 0 to 1. */
  readonly maxEjected: number;
}

const LONGEST = 10;
/** Milliseconds between requests to a target on trial: one that hangs must not collect what comes until the first has timed out. */
const TRIAL_EVERY = 1000;
/** 0.29 × 100 is 28.999999999999996, and means 29. */
const ROUNDING = 1e-9;

/**
 * Passive health: what the outcomes of real requests say about a target.
 *
 * Algorithm: `failures` failures in a row eject a target for `eject`, the next times for 2, 4, 8, at most 10 times as long;
 * each stretch of good conduct as long as the last ejection takes back one doubling. A target that is back is on trial for
 * as long as it was out: until its first success it gets one request a second, and one failure ejects it again.
 * Cost: a comparison per success; O(targets) per failure that might eject.
 * Limits: never more than `maxEjected` of the targets are out at once, rounded down, so a lone target never is. Ejected
 * targets come back by time alone, whether or not anyone looks.
 * Failure mode: when the share is used up, further failing targets stay in; the breaker of each is the next line.
 */
export class PassiveHealth {
  private readonly members = new Set<Conduct>();

  constructor(private readonly settings: PassiveSettings) {}

  /** A target joins. It is told through `onChange` when it is out, and with the first outcome after that when it is back. */
  join(onChange?: (ejected: boolean, now: number) => void): Conduct {
    const member = new Conduct(this.settings, (now) => this.hasRoom(now), onChange);
    this.members.add(member);
    return member;
  }

  /** A target is no more. With fewer targets fewer may be out: those that would be back first are back now. */
  leave(member: Conduct, now: number): void {
    this.members.delete(member);
    const out = [...this.members].filter((other) => other.ejectedUntil > now);
    out.sort((a, b) => a.ejectedUntil - b.ejectedUntil);
    for (const early of out.slice(0, Math.max(0, out.length - this.allowed()))) early.pardon(now);
  }

  private hasRoom(now: number): boolean {
    let out = 0;
    for (const member of this.members) if (member.ejectedUntil > now) out++;
    return out < this.allowed();
  }

  private allowed(): number {
    return Math.floor(this.settings.maxEjected * this.members.size + ROUNDING);
  }
}

/** How one target behaves. */
export class Conduct {
  /** It is out while this lies ahead. */
  ejectedUntil = 0;
  /** When it was last put out; -Infinity while it never was. */
  ejectedAt = -Infinity;
  private failures = 0;
  private doublings = 0;
  private lastLength = 0;
  private trialUntil = 0;
  private nextTrial = 0;
  private out = false;

  constructor(
    private readonly settings: PassiveSettings,
    private readonly hasRoom: (now: number) => boolean,
    private readonly onChange?: (ejected: boolean, now: number) => void,
  ) {}

  /** It was put out, and nothing has come of a request since. */
  get onTrial(): boolean {
    return this.out;
  }

  /** Whether it may be sent a request now. Changes nothing. */
  admits(now: number): boolean {
    return now >= this.ejectedUntil && (!this.out || now >= this.nextTrial || now >= this.trialUntil);
  }

  /** A request begins. */
  begin(now: number): void {
    if (this.out) this.nextTrial = now + TRIAL_EVERY;
  }

  succeeded(now: number): void {
    if (this.failures === 0 && !this.out && this.trialUntil === 0) return;
    if (now < this.ejectedUntil) return;
    this.noticeReturn(now);
    this.failures = 0;
    this.trialUntil = 0;
  }

  failed(now: number): void {
    if (now < this.ejectedUntil) return;
    this.noticeReturn(now);
    this.failures++;
    const enough = now < this.trialUntil ? 1 : this.settings.failures;
    if (this.failures >= enough && this.hasRoom(now)) this.eject(now);
  }

  /** Back at once, without a trial. */
  pardon(now: number): void {
    this.ejectedUntil = now;
    this.trialUntil = 0;
    this.noticeReturn(now);
  }

  private eject(now: number): void {
    const goodStretches = this.lastLength === 0 ? 0 : Math.floor((now - this.ejectedUntil) / this.lastLength);
    this.doublings = Math.max(0, this.doublings - goodStretches);
    const length = this.settings.eject * Math.min(LONGEST, 2 ** this.doublings);
    if (2 ** this.doublings < LONGEST) this.doublings++;
    this.lastLength = length;
    this.ejectedAt = now;
    this.ejectedUntil = now + length;
    this.trialUntil = this.ejectedUntil + length;
    this.nextTrial = this.ejectedUntil;
    this.failures = 0;
    this.out = true;
    this.onChange?.(true, now);
  }

  private noticeReturn(now: number): void {
    if (!this.out) return;
    this.out = false;
    this.onChange?.(false, now);
  }
}
