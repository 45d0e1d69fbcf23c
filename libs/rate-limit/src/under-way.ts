/** What is under way for each key, for those who have to wait until it has ended. */
export class UnderWay {
  private readonly byKey = new Map<string, Set<Promise<unknown>>>();

  get none(): boolean {
    return this.byKey.size === 0;
  }

  follow<T>(key: string, work: Promise<T>): Promise<T> {
    const all = this.byKey.get(key) ?? new Set();
    this.byKey.set(key, all.add(work));
    const over = (): void => {
      all.delete(work);
      if (all.size === 0) this.byKey.delete(key);
    };
    work.then(over, over);
    return work;
  }

  /** Once all that is under way now has ended, however it ends; null: nothing is. */
  ended(key: string): Promise<unknown> | null {
    const all = this.byKey.get(key);
    return all === undefined ? null : Promise.allSettled([...all]);
  }
}
