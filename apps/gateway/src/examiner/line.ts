import { Refusal } from '#kernel';

/** Documents that are held in memory, or on their way there. */
const MOST = 12;
/** Of one caller, so that nobody keeps all others out. */
const MOST_OF_ONE = 4;

/** Who may send a document now. A place is taken before it is read, and given back when it is answered. */
export class Line {
  private readonly callers = new Map<string, number>();
  private taken = 0;

  /** Says how to leave again; throws a refusal where there is no place. */
  enter(caller: string): () => void {
    const mine = this.callers.get(caller) ?? 0;
    if (mine >= MOST_OF_ONE) {
      throw new Refusal(
        'rate_limited',
        `${MOST_OF_ONE} documents of yours are being examined: wait for an answer.`,
        SOON,
      );
    }
    if (this.taken >= MOST) {
      throw new Refusal('overloaded', `${MOST} documents are being examined: try again a little later.`, SOON);
    }
    this.taken++;
    this.callers.set(caller, mine + 1);
    return () => {
      this.taken--;
      const left = (this.callers.get(caller) ?? 1) - 1;
      if (left === 0) this.callers.delete(caller);
      else this.callers.set(caller, left);
    };
  }
}

const SOON = { 'Retry-After': '5' };
