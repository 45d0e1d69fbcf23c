import { type Refusal } from './errors.js';
import { type Exchange } from './exchange.js';

/** A refusal; null: there is none. A promise only where somebody else has to be asked. */
export type Verdict = Refusal | null | Promise<Refusal | null>;

/**
 * What a guard says, having left the reason on the exchange: to throw it would cost a tenth of the answer, and refusals come
 * in floods.
 */
export function admits(exchange: Exchange, verdict: Verdict): boolean | Promise<boolean> {
  if (verdict instanceof Promise) return verdict.then((later) => leave(exchange, later));
  return leave(exchange, verdict);
}

function leave(exchange: Exchange, refusal: Refusal | null): boolean {
  exchange.refusal = refusal;
  return refusal === null;
}

/** Where there is no other way out. */
export function raise(refusal: Refusal | null): void {
  if (refusal !== null) throw refusal;
}
