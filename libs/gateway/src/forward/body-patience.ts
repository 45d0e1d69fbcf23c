/** Counts the time that is spent waiting for a client's body. While the upstream holds it back, nobody is waiting for the client. */
export class BodyPatience {
  private waited = 0;
  private since: number | null = performance.now();
  private timer: NodeJS.Timeout | undefined;

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
  }

  private total(): number {
    return this.waited + (this.since === null ? 0 : performance.now() - this.since);
  }

  private arm(): void {
    this.timer = setTimeout(
      () => {
        if (this.total() >= this.limit) this.lost();
        else this.arm();
      },
      Math.max(1, this.limit - this.total()),
    );
  }
}
