import { type IncomingHttpHeaders } from 'node:http';
import { type Socket } from 'node:net';

/**
 * What Aegis uses of a client's request. `IncomingMessage` has it, and so has a request that came over HTTP/2: nothing
 * that only one of the two has gets past the compiler.
 */
export interface ClientRequest {
  readonly httpVersion: string;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Name, value, name, value: as they came, without pseudo-header fields. */
  readonly rawHeaders: readonly string[];
  /** The same for the trailer section, once the body has ended. */
  readonly rawTrailers: readonly string[];
  /** Of the connection; over HTTP/2 others share it. */
  readonly socket: Socket;
  /** All of it has arrived. */
  readonly complete: boolean;
  on(event: 'data', listener: (piece: Buffer) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  /** Gives up what has not arrived yet. */
  destroy(): unknown;
}

/** What Aegis uses of the answer to a client. `ServerResponse` has it. */
export interface ClientResponse {
  statusCode: number;
  /** Of HTTP/1.1 only. */
  statusMessage: string;
  /** False: the connection ends with this answer, where a connection carries one at a time. */
  shouldKeepAlive: boolean;
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  /** All of it was handed to the system. */
  readonly writableFinished: boolean;
  readonly writableLength: number;
  /** `fields`: name, value, name, value. */
  writeHead(status: number, fields: string[]): unknown;
  writeHead(status: number, reason: string, fields: string[]): unknown;
  writeContinue(): unknown;
  writeEarlyHints(hints: { link: string[] }): unknown;
  /** False: wait for `drain`. */
  write(piece: Buffer): boolean;
  addTrailers(trailers: readonly [string, string][]): unknown;
  end(last?: string | Buffer): unknown;
  end(last: string, encoding: 'latin1'): unknown;
  /** Cuts it off, so that the client sees it. */
  destroy(): unknown;
  on(event: 'close' | 'drain' | 'finish', listener: () => void): unknown;
}
