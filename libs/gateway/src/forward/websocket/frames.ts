/** How far `read` goes: to the end of the bytes, to the end of the message under way, or to a frame that says goodbye. */
export const ALL = 0;
export const MESSAGE = 1;
export const GOODBYE = 2;
export type Until = typeof ALL | typeof MESSAGE | typeof GOODBYE;

const FINAL = 0x80;
const MASKED = 0x80;
const OPCODE = 0x0f;
const CLOSE = 0x8;

const FIRST = 0;
const SECOND = 1;
const LENGTH = 2;

/**
 * Follows the frames of one direction of a WebSocket (RFC 6455, 5.2) over bytes that are cut anywhere, without keeping or
 * judging them: a few numbers, so that a word of ours can be put between two messages and never into one.
 */
export class Frames {
  private step = FIRST;
  private masked = false;
  private lengthBytes = 0;
  private length = 0;
  /** Payload that is still to come, with the key it is masked with. */
  private left = 0;
  private unfinished = false;
  /** Somebody has said goodbye. */
  over = false;

  /** No message is under way. */
  get between(): boolean {
    return this.step === FIRST && this.left === 0 && !this.unfinished;
  }

  /** Returns how many of the bytes were read. */
  read(bytes: Buffer, until: Until): number {
    const end = bytes.length;
    let at = 0;
    while (at < end) {
      if (this.left > 0) {
        const taken = Math.min(this.left, end - at);
        this.left -= taken;
        at += taken;
        continue;
      }
      if (this.step === FIRST && until === MESSAGE && !this.unfinished) return at;
      const byte = bytes[at] as number;
      if (this.step === FIRST) {
        const opcode = byte & OPCODE;
        if (opcode === CLOSE) {
          if (until === GOODBYE) return at;
          this.over = true;
        }
        // A control frame may stand between the frames of a message, and says nothing of it.
        if (opcode < CLOSE) this.unfinished = (byte & FINAL) === 0;
        this.step = SECOND;
      } else if (this.step === SECOND) this.second(byte);
      else {
        this.length = this.length * 256 + byte;
        if (--this.lengthBytes === 0) this.payload(this.length);
      }
      at++;
    }
    return at;
  }

  private second(byte: number): void {
    this.masked = (byte & MASKED) !== 0;
    const length = byte & ~MASKED;
    if (length < 126) this.payload(length);
    else {
      this.lengthBytes = length === 126 ? 2 : 8;
      this.length = 0;
      this.step = LENGTH;
    }
  }

  private payload(length: number): void {
    this.left = this.masked ? length + 4 : length;
    this.step = FIRST;
  }
}
