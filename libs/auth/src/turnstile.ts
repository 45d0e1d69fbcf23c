import { Refusal } from '#kernel';

interface Terms {
  /** Under way at the same time. */
  readonly atOnce: number;
  /** Waiting for their turn. */
  readonly waiting: number;
  /** Under way or waiting on behalf of one address. */
  readonly each: number;
  /** For who is turned away. */
  readonly full: string;
}

/** Lets costly work through a little at a time. Who comes when it is full is turned away at once: 503, never a wrong answer. */
export class Turnstile {
  private atWork = 0;
  private readonly queue: (() => void)[] = [];
  private readonly byAddress = new Map<string, number>();

  constructor(private readonly terms: Terms) {}

  async run<T>(address: string, work: () => Promise<T>): Promise<T> {
    const { atOnce, waiting, each, full } = this.terms;
    const own = this.byAddress.get(address) ?? 0;
    if (own >= each || (this.atWork >= atOnce && this.queue.length >= waiting)) {
      throw new Refusal('overloaded', full, { 'Retry-After': '1' });
    }
    this.byAddress.set(address, own + 1);
    try {
      if (this.atWork < atOnce) this.atWork++;
      else await new Promise<void>((resolve) => this.queue.push(resolve));
      try {
        return await work();
      } finally {
        // The turn is handed on, so that nobody who comes now slips in before those who wait.
        const next = this.queue.shift();
        if (next === undefined) this.atWork--;
        else next();
      }
    } finally {
      const left = (this.byAddress.get(address) ?? 1) - 1;
      if (left === 0) this.byAddress.delete(address);
      else this.byAddress.set(address, left);
    }
  }
}
