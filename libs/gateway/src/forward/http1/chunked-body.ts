/**
 * Decodes a chunked body, strictly: sizes are hexadecimal digits and nothing else (extensions are read over, bounded),
 * every line ends in CRLF. State is a few numbers, so a chunk may be cut anywhere. Data is handed on as slices of what
 * arrived, without copying.
 */
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6;
const DONE = 7;

const MAX_EXTENSION = 4096;
const MAX_TRAILERS = 16_384;

export class ChunkedBody {
  private state = SIZE;
  private size = 0;
  private digits = 0;
  private extension = 0;
  /** The trailer section, with the empty line that ends it; starts as the CRLF before it, so that one search finds the end. */
  private trailers = '\r\n';

  get done(): boolean {
    return this.state === DONE;
  }

  get trailerText(): string {
    return this.trailers;
  }

  /** Reads `bytes` and calls `onData` with each piece of body. Returns how many bytes were used, or -1 when it is malformed. */
  read(bytes: Buffer, onData: (piece: Buffer) => void): number {
    const end = bytes.length;
    let at = 0;
    while (at < end) {
      switch (this.state) {
        case DATA: {
          const take = Math.min(this.size, end - at);
          onData(take === end && at === 0 ? bytes : bytes.subarray(at, at + take));
          at += take;
          this.size -= take;
          if (this.size === 0) this.state = DATA_CR;
          break;
        }
        case SIZE: {
          const code = bytes[at] ?? 0;
          const digit = hexDigit(code);
          if (digit >= 0) {
            if (++this.digits > 12) return -1;
            this.size = this.size * 16 + digit;
          } else if (this.digits === 0) return -1;
          else if (code === 13) this.state = SIZE_LF;
          else if (code === 59 || code === 32 || code === 9) this.state = EXTENSION;
          else return -1;
          at++;
          break;
        }
        case EXTENSION: {
          const code = bytes[at++] ?? 0;
          if (code === 13) this.state = SIZE_LF;
          else if (code === 10 || ++this.extension > MAX_EXTENSION) return -1;
          break;
        }
        case SIZE_LF:
          if (bytes[at++] !== 10) return -1;
          this.digits = 0;
          this.extension = 0;
          this.state = this.size === 0 ? TRAILER : DATA;
          break;
        case DATA_CR:
          if (bytes[at++] !== 13) return -1;
          this.state = DATA_LF;
          break;
        case DATA_LF:
          if (bytes[at++] !== 10) return -1;
          this.state = SIZE;
          break;
        case TRAILER: {
          this.trailers += String.fromCharCode(bytes[at++] ?? 0);
          if (this.trailers.endsWith('\r\n\r\n')) {
            this.state = DONE;
            return at;
          }
          if (this.trailers.length > MAX_TRAILERS) return -1;
          break;
        }
        default:
          return at;
      }
    }
    return at;
  }
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
