import { type FieldNames } from '../transform/field-names.js';
import { type ResponseHead } from './http1/response-head.js';

/** Conditions that a request upstream has in place of the client's own. */
export interface Conditions {
  readonly hides: FieldNames;
  /** With their line ends. */
  readonly lines: string;
}

/** In the rest of a body: none, some, or so much that no slow client may hold it up. */
export type Interest = 'none' | 'some' | 'much';

/** Sees the answer of an upstream on its way, and may answer in its place. */
export interface ResponseTap {
  readonly conditions: Conditions | null;
  /** The head of the answer that counts, before anything is changed. True: the client was answered otherwise, and of this nothing goes there. */
  head(head: ResponseHead): boolean;
  /** `piece` is only good during the call. */
  data(piece: Buffer): Interest;
  complete(trailers: readonly string[]): void;
  /** There is no answer, or no more of it. True: the client was answered otherwise, which is only possible where `answerable`. */
  failed(answerable: boolean): boolean;
  /** The client has gone. */
  left(): void;
}
