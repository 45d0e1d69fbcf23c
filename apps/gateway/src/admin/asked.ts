import { Refusal, soon } from '#kernel';

const PATIENCE_MS = 10_000;

/**
 * What a store answers. One that is away, or has not answered for long (it hangs, and the driver would wait for ever), is
 * told as 503 `store_unavailable` in these words.
 */
export async function asked<T>(answer: Promise<T>, refusal: string, patience = PATIENCE_MS): Promise<T> {
  try {
    return await soon(answer, patience, () => new Error('no answer'));
  } catch {
    throw new Refusal('store_unavailable', refusal);
  }
}
