import { EvenSequence, GOLDEN_STEP } from './even-sequence.js';

/** Shares requests out by weight. A share of weight 0 gets none; undefined when that is all of them: answer 503. */
export class WeightedSplit<T extends { readonly weight: number }> {
  private readonly shares: readonly T[];
  /** Where on the way from 0 to 1 the part of each share ends. */
  private readonly ends: readonly number[];

  constructor(
    shares: readonly T[],
    private readonly sequence = new EvenSequence(GOLDEN_STEP),
  ) {
    this.shares = shares.filter(({ weight }) => weight > 0);
    const total = this.shares.reduce((sum, { weight }) => sum + weight, 0);
    let sum = 0;
    this.ends = this.shares.map(({ weight }) => (sum += weight) / total);
  }

  next(): T | undefined {
    const { shares, ends } = this;
    const last = shares.length - 1;
    if (last <= 0) return shares[0];
    const at = this.sequence.next();
    for (let i = 0; i < last; i++) if (at < (ends[i] ?? 1)) return shares[i];
    return shares[last];
  }
}
