interface Turns {
  taken: number;
  readonly waiting: (() => void)[];
}

/** What hangs holds nobody else up for longer. */
const LONGEST_MS = 2_000;

/** Lets so many at a time do something for each key, in the order in which they came. */
export class TurnsByKey {
  private readonly byKey = new Map<string, Turns>();

  constructor(private readonly atOnce: number) {}

  get none(): boolean {
    return this.byKey.size === 0;
  }

  isBusy(key: string): boolean {
    return (this.byKey.get(key)?.taken ?? 0) >= this.atOnce;
  }

  async run<T>(key: string, work: () => T | Promise<T>): Promise<T> {
    let turns = this.byKey.get(key);
    if (turns === undefined) this.byKey.set(key, (turns = { taken: 0, waiting: [] }));
    const { waiting } = turns;
    if (turns.taken < this.atOnce) turns.taken++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    let held = true;
    const end = (): void => {
      if (held) this.handOn(key, turns);
      held = false;
    };
    const late = setTimeout(end, LONGEST_MS);
    try {
      return await work();
    } finally {
      clearTimeout(late);
      end();
    }
  }

  /** To who waits, so that nobody who comes now slips in before them. */
  private handOn(key: string, turns: Turns): void {
    const next = turns.waiting.shift();
    if (next !== undefined) next();
    else if (--turns.taken === 0) this.byKey.delete(key);
  }
}
