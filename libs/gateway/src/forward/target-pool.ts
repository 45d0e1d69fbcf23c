import { type Socket } from 'node:net';
import { type ResponseHead } from './http1/response-head.js';
import { type UpstreamFailure } from './http1/upstream-failure.js';

/** A request on its way to a target, for whoever has its body. */
export interface Sending {
  /** False: wait for `drained`. */
  write(piece: Buffer): boolean;
  /** The same for a body whose length is not known beforehand. */
  writeChunk(piece: Buffer): boolean;
  /** The request's body is complete. `trailers`: name, value, name, value; HTTP/1.1 carries none of a request's. */
  end(inChunks: boolean, trailers: readonly string[]): void;
  /** While the client is slow nothing is read here, and the target is not blamed for it. */
  pause(): void;
  resume(): void;
  /** The client is slow with the request's body: that time is not the target's. */
  clientIsSlow(): void;
  /** Ends it without a word to the handler. */
  abort(): void;
}

/** What a request wants to hear. After `complete`, `upgraded` or `failed` it hears nothing more. */
export interface ResponseHandler {
  /** The connection stands and the head of the request is on its way: the body may follow. */
  sent(sending: Sending): void;
  informational(head: ResponseHead): void;
  head(head: ResponseHead): void;
  /** `piece` is only good during the call: copy what is kept. */
  data(piece: Buffer): void;
  complete(trailers: string[]): void;
  upgraded(head: ResponseHead, socket: Socket, first: Buffer): void;
  failed(failure: UpstreamFailure): void;
  /** The target takes more of the request's body. */
  drained(): void;
}

export interface Timeouts {
  readonly connect: number;
  /** From the end of the request to the response head. */
  readonly response: number;
  /** Between two pieces, either way. */
  readonly idle: number;
}

/** A kept connection if there is one, a new one, or a new one to give away on an upgrade. */
export type Use = 'kept' | 'new' | 'upgrade';

/** The connections to one target. */
export interface TargetPool {
  readonly connections: number;
  /** `head` is that of HTTP/1.1, with its empty line, whatever is spoken. `hasBody`: `write` and `end` follow `sent`. */
  request(method: string, head: string, hasBody: boolean, handler: ResponseHandler, use?: Use): Sending;
  /** Kept connections go at once, busy ones when their exchanges are over. */
  close(): void;
}
