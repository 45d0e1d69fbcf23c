/** Counts the time that is spent waiting for a client's body. While the upstream holds it back, nobody is waiting for the client. */
export class BodyPatience {
  private waited = 0;
  private since: number | null = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private verdict: NodeJS.Immediate | undefined;

  constructor(
    private readonly limit: number,
    private readonly lost: () => void,
  ) {
    if (limit !== Infinity) this.arm();
  }

  pause(): void {
    this.waited = this.total();
    this.since = null;
  }

  resume(): void {
    this.since ??= performance.now();
  }

  stop(): void {
    clearTimeout(this.timer);
    clearImmediate(this.verdict);
  }

  private total(): number {
    return this.waited + (this.since === null ? 0 : performance.now() - this.since);
  }

  private arm(): void {
    this.timer = setTimeout(
      () => {
        if (this.total() < this.limit) this.arm();
        // The rest may have come while this process was held up: it is read first.
        else this.verdict = setImmediate(() => this.lost());
      },
      Math.max(1, this.limit - this.total()),
    );
  }
}
