import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type ClientResponse } from '#kernel';

/** What HTTP/1 says of its connections, and HTTP/2 must not (RFC 9113, 8.2.2). */
const OF_CONNECTIONS = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/**
 * The answer to a client that speaks HTTP/2. The head is held until the first bytes of the body are there, or the end of
 * the tick: an answer without a body is then one frame, as gRPC wants it ("trailers-only").
 */
export class Http2Response implements ClientResponse {
  statusCode = 200;
  statusMessage = '';
  shouldKeepAlive = true;
  headersSent = false;
  private head: OutgoingHttpHeaders | null = null;
  private trailers: OutgoingHttpHeaders = {};
  private ended = false;

  constructor(
    private readonly stream: ServerHttp2Stream,
    private readonly toHead: boolean,
  ) {}

  get destroyed(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }
  get writableEnded(): boolean {
    return this.ended;
  }
  get writableFinished(): boolean {
    return this.ended && this.stream.writableFinished;
  }
  get writableLength(): number {
    return this.stream.writableLength;
  }

  writeHead(status: number, ...rest: [string[]] | [string, string[]]): void {
    const fields = rest.length === 1 ? rest[0] : rest[1];
    this.statusCode = status;
    this.headersSent = true;
    this.head = { ':status': status, ...joined(fields) };
    process.nextTick(sendHead, this);
  }

  writeContinue(): void {
    this.inform({ ':status': 100 });
  }

  writeEarlyHints({ link }: { link: string[] }): void {
    this.inform({ ':status': 103, link });
  }

  private inform(head: OutgoingHttpHeaders): void {
    if (!this.headersSent && !this.destroyed) this.stream.additionalHeaders(head);
  }

  write(piece: Buffer): boolean {
    this.sendHead(false);
    return this.destroyed || this.stream.writableEnded || this.stream.write(piece);
  }

  addTrailers(trailers: readonly [string, string][]): void {
    this.trailers = joined(trailers.flat());
  }

  end(last?: string | Buffer, encoding?: 'latin1'): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.headersSent) this.writeHead(this.statusCode, []);
    this.sendHead(last === undefined && Object.keys(this.trailers).length === 0);
    if (this.destroyed || this.stream.writableEnded) return;
    if (last === undefined) this.stream.end();
    else if (encoding === undefined) this.stream.end(last);
    else this.stream.end(last, encoding);
  }

  /** Visible to the client as a reset, which tells a broken answer from one that ended. */
  destroy(): void {
    this.head = null;
    this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  on(event: 'close' | 'drain' | 'finish', listener: () => void): void {
    this.stream.on(event, listener);
  }

  sendHead(isAll: boolean): void {
    const { head, stream } = this;
    this.head = null;
    if (head === null || this.destroyed) return;
    const endStream = isAll || NO_CONTENT.has(this.statusCode) || this.toHead;
    // Trailers cost a frame, and nobody who knows the length of a body beforehand adds some without announcing them.
    const waitForTrailers = !endStream && (head['content-length'] === undefined || head['trailer'] !== undefined);
    if (waitForTrailers) stream.on('wantTrailers', () => this.sendTrailers());
    else if (stream.writableFinished) setImmediate(() => this.stopClient());
    else stream.on('finish', () => setImmediate(() => this.stopClient()));
    try {
      stream.respond(head, { endStream, waitForTrailers });
    } catch {
      this.destroy();
    }
  }

  private sendTrailers(): void {
    try {
      this.stream.sendTrailers(this.trailers);
    } catch {
      this.destroy();
    }
    // Node sends them in the next immediate.
    setImmediate(() => this.stopClient());
  }

  /** The answer is complete, and nobody reads what the client may still send (RFC 9113, 8.1) or has sent. */
  private stopClient(): void {
    const { stream } = this;
    if (stream.destroyed || stream.endAfterHeaders || stream.readableEnded) return;
    stream.close(constants.NGHTTP2_NO_ERROR);
    setImmediate(() => stream.destroy());
  }
}

const NO_CONTENT = new Set([204, 205, 304]);

function sendHead(response: Http2Response): void {
  response.sendHead(false);
}

/** As an object of lower-case names. Lines of one field become one, except cookies. */
function joined(fields: readonly string[]): OutgoingHttpHeaders {
  const head: Record<string, string | string[]> = {};
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase();
    const value = fields[i + 1] as string;
    const known = head[name];
    if (OF_CONNECTIONS.has(name)) continue;
    if (known === undefined) head[name] = name === 'set-cookie' ? [value] : value;
    else if (typeof known === 'string') head[name] = `${known}, ${value}`;
    else known.push(value);
  }
  return head;
}
