import { type StoredResponse } from './stored-response.js';

/** A request that waits for the answer to another one. */
export interface Follower {
  /** Whether what tells answers apart is the same for it. */
  fits(selection: Selection): boolean;
  /** False: the answer is not for it. `failing`: the upstream fails, and this is what there was. */
  answer(stored: StoredResponse, failing: boolean): boolean;
  /** Asks the upstream by itself. */
  alone(): void;
  /** Looks for others that ask what it asks, now that it is known what the answers differ by. */
  again(names: readonly string[]): void;
  /** Asks the upstream for all that wait. */
  lead(flight: Flight): void;
}

/** What answers turned out to differ by, and which one it is. */
export interface Selection {
  readonly names: readonly string[];
  readonly variant: string;
}

/** How long a body may take, from its first byte, while others wait for its end. */
const PATIENCE = 5_000;
const MOST_LEADERS = 3;

/**
 * One request upstream that several clients wait for. They wait until its head shows whether the answer can be stored, and
 * then until it is. If it cannot, or the leader fails, each goes on by itself; if the leader's client leaves, the next leads.
 */
export class Flight {
  private followers = new Set<Follower>();
  private leaders = 1;
  /** Known once the head of the answer is. */
  private selection: Selection | null = null;
  private patience: NodeJS.Timeout | undefined;

  constructor(
    /** When the upstream was asked first. */
    readonly askedAt: number,
    /** Nobody can join any more. */
    private readonly over: () => void,
  ) {}

  get waiting(): number {
    return this.followers.size;
  }

  /** Who comes after the head is told apart at once. */
  join(follower: Follower): void {
    if (this.selection === null || follower.fits(this.selection)) this.followers.add(follower);
    else follower.again(this.selection.names);
  }

  leave(follower: Follower): void {
    this.followers.delete(follower);
  }

  /** The answer can be stored, for those whose request has the same values in these fields. */
  proved(selection: Selection): void {
    this.selection = selection;
    for (const follower of [...this.followers]) {
      if (follower.fits(selection)) continue;
      this.followers.delete(follower);
      follower.again(selection.names);
    }
    this.patience ??= setTimeout(() => this.dissolve(), PATIENCE);
  }

  landed(stored: StoredResponse, selection: Selection): void {
    for (const follower of this.end()) {
      if (!follower.fits(selection) || !follower.answer(stored, false)) follower.alone();
    }
  }

  /** The upstream fails, and this is what there was for all of them. */
  rescued(stored: StoredResponse): void {
    for (const follower of this.end()) if (!follower.answer(stored, true)) follower.alone();
  }

  /** There is nothing to wait for. */
  dissolve(): void {
    for (const follower of this.end()) follower.alone();
  }

  leaderLeft(): void {
    clearTimeout(this.patience);
    this.patience = undefined;
    this.selection = null;
    const [next] = this.followers;
    if (next === undefined || this.leaders >= MOST_LEADERS) {
      this.dissolve();
      return;
    }
    this.leaders++;
    this.followers.delete(next);
    next.lead(this);
  }

  private end(): readonly Follower[] {
    clearTimeout(this.patience);
    this.over();
    const all = [...this.followers];
    this.followers = new Set();
    return all;
  }
}
