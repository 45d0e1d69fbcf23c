import { type Clock, type Exchange } from '#kernel';
import { RequestRecord } from './request-record.js';

/** Takes the records of a tick. They are written over afterwards: keep what you need of them, not them. */
export interface RecordReader {
  read(records: readonly RequestRecord[], count: number): void;
}

const CAPACITY = 1024;

/**
 * The end of every exchange: its record goes into a ring that was made beforehand, and the readers get what has gathered
 * once a tick of the event loop at the most. A full ring is read at once, so nothing is lost and nothing grows.
 */
export class RequestRecorder {
  private readonly ring = Array.from({ length: CAPACITY }, () => new RequestRecord());
  private readonly readers: RecordReader[] = [];
  private filled = 0;
  private due: NodeJS.Timeout | undefined;
  /** Since the start of the process. */
  recorded = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  addReader(reader: RecordReader): void {
    this.readers.push(reader);
  }

  record(exchange: Exchange): void {
    this.ring[this.filled++]?.take(exchange, this.clock.now());
    this.recorded++;
    if (this.filled === CAPACITY) this.drain();
    else this.due ??= setTimeout(() => this.drain(), 50).unref();
  }

  /** Hands everything recorded so far to the readers. */
  drain(): void {
    clearTimeout(this.due);
    this.due = undefined;
    const count = this.filled;
    if (count === 0) return;
    this.filled = 0;
    for (const reader of this.readers) {
      try {
        reader.read(this.ring, count);
      } catch (error) {
        this.onFailure(error);
      }
    }
  }
}
