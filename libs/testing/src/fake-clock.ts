import { type Clock } from '#kernel';

/** Stands still until it is moved. */
export class FakeClock implements Clock {
  #elapsed = 0;

  constructor(private readonly epoch = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.epoch + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  advance(ms: number): void {
    this.#elapsed += ms;
  }
}
