const REMEMBERED = 4096;
const FOR = 10_000;

/** Requests whose answers could not be stored of late: for a while nobody waits for one of them in vain. */
export class Apart {
  private readonly until = new Map<string, number>();

  note(id: string, now: number): void {
    this.until.delete(id);
    this.until.set(id, now + FOR);
    const [oldest] = this.until.keys();
    if (oldest !== undefined && this.until.size > REMEMBERED) this.until.delete(oldest);
  }

  has(id: string, now: number): boolean {
    const until = this.until.get(id);
    if (until === undefined) return false;
    if (until > now) return true;
    this.until.delete(id);
    return false;
  }
}
