import { type StoredResponse } from './stored-response.js';

export interface Found {
  readonly stored: StoredResponse | null;
  /** The fields by which the answers to this key differ; null: there is none. */
  readonly names: readonly string[] | null;
}

export const NOTHING_FOUND: Found = { stored: null, names: null };

/** The variants to look for, in order of preference, once it is known what the answers differ by. */
export type Variants = (names: readonly string[]) => readonly string[];

/** What is to be kept, and under which key and variant of it. */
export interface Filing {
  readonly key: string;
  readonly names: readonly string[];
  readonly variant: string;
  readonly stored: StoredResponse;
  /** When the upstream was asked: what was invalidated since is not brought back. Milliseconds since the epoch, as all here. */
  readonly askedAt: number;
  readonly uselessAt: number;
}

/** So many answers are kept for one key; one more takes the place of another. */
export const MOST_VARIANTS = 32;

/** Where answers are kept. A store that fails has nothing, and says nothing of it. */
export interface CacheStore {
  find(key: string, variants: Variants): Found | Promise<Found>;
  put(filing: Filing): void;
  /** All variants. */
  remove(key: string, now: number): void;
  close(): void;
}
