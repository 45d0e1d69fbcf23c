import { type Terms } from './terms.js';

/** An answer as it is kept: as the upstream gave it, before anything of the exchange was added. */
export interface StoredResponse {
  readonly method: string;
  readonly status: number;
  readonly reason: string;
  /** End-to-end fields without `Age`: name, value, name, value. */
  readonly fields: readonly string[];
  readonly body: Buffer;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly terms: Terms;
}

/** About what it takes in memory. */
export function sizeOf({ fields, body }: StoredResponse): number {
  let size = 600 + body.length;
  for (const text of fields) size += text.length + 24;
  return size;
}
