/** A time limit that is moved far more often than it is reached: moving it is an assignment, not a timer. */
export class Deadline {
  private at = Infinity;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;

  constructor(private readonly passed: () => void) {}

  set(ms: number): void {
    const at = performance.now() + ms;
    this.at = at;
    if (this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => this.look(), ms);
  }

  /** There is no limit for now. */
  lift(): void {
    this.at = Infinity;
  }

  stop(): void {
    this.lift();
    clearTimeout(this.timer);
    this.timerAt = Infinity;
  }

  private look(): void {
    this.timerAt = Infinity;
    if (this.at === Infinity) return;
    const { at } = this;
    const left = at - performance.now();
    if (left > 1) this.set(left);
    else {
      // A process that was held up comes to its timers before its sockets: what has arrived by now is read first.
      setImmediate(() => {
        if (this.at === at) this.passed();
      });
    }
  }
}
