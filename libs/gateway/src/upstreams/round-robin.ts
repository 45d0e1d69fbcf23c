/**
 * Smooth weighted round-robin: each turn every target earns its weight, the richest is taken and pays the total. Weights
 * 5, 1, 1 give a a b a c a a rather than a run of five.
 */
export class RoundRobin<T extends { readonly weight: number }> {
  private readonly earned: number[];
  private readonly total: number;

  constructor(private readonly targets: readonly T[]) {
    this.earned = targets.map(() => 0);
    this.total = targets.reduce((sum, target) => sum + target.weight, 0);
  }

  next(): T | undefined {
    if (this.targets.length <= 1) return this.targets[0];
    let best = 0;
    for (let i = 0; i < this.targets.length; i++) {
      const balance = (this.earned[i] ?? 0) + (this.targets[i]?.weight ?? 0);
      this.earned[i] = balance;
      if (balance > (this.earned[best] ?? 0)) best = i;
    }
    this.earned[best] = (this.earned[best] ?? 0) - this.total;
    return this.targets[best];
  }
}
