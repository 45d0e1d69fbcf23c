/** How long each step of an exchange took: kept only for those who ask and may know. One step ends where the next begins. */
export class Steps {
  private readonly took = new Map<string, number>();
  private current = 'route';
  private since: number;

  constructor(private readonly startedAt: number) {
    this.since = startedAt;
  }

  /** A step that comes again, such as another try, adds to what it took before. */
  begin(step: string, now = performance.now()): void {
    this.took.set(this.current, (this.took.get(this.current) ?? 0) + now - this.since);
    this.current = step;
    this.since = now;
  }

  /** The value of `Server-Timing`: the steps in the order in which they began, in milliseconds, and all of them together. */
  told(now = performance.now()): string {
    this.begin(this.current, now);
    const steps = [...this.took, ['total', now - this.startedAt] as const];
    return steps.map(([step, ms]) => `${step};dur=${ms.toFixed(3)}`).join(', ');
  }
}
