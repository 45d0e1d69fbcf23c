/** Latencies, of which only the mean and its spread are wanted. */
export class Sample {
  count = 0;
  private sum = 0;
  private squares = 0;

  add(latency: number): void {
    this.count++;
    this.sum += latency;
    this.squares += latency * latency;
  }

  clear(): void {
    this.count = 0;
    this.sum = 0;
    this.squares = 0;
  }

  get mean(): number {
    return this.sum / this.count;
  }

  /** Standard error of the mean. */
  get error(): number {
    const { count, mean } = this;
    return Math.sqrt(Math.max(0, this.squares / count - mean * mean) / count);
  }
}
