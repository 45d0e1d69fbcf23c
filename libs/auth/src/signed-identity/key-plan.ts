/** A key in the database. Times are milliseconds, by the clock of the database. */
export interface KeyAge {
  readonly kid: string;
  /** Until it signs; negative: since it does. */
  readonly startsIn: number;
  readonly age: number;
  /** It can be read here: it is not encrypted, or with the secret that this instance has. */
  readonly usable: boolean;
}

export interface KeyChanges {
  /** After how long a new key begins to sign; null: none is due. */
  readonly startsIn: number | null;
  /** Those that signed nothing that still lives. */
  readonly gone: readonly string[];
}

/** So long a key is published before it signs: twice as long as a key set may be kept by those who fetched it. */
const AHEAD_MS = 600_000;
/** So long beyond its last token a key stays: an instance that cannot reach the database goes on with the one that it has. */
export const KEPT_MS = 86_400_000;

/** What is to be done now about the keys, each of which signs until the next one starts. */
export function planKeys(keys: readonly KeyAge[], terms: { rotate: number; lifetime: number }): KeyChanges {
  const usable = keys.filter((key) => key.usable);
  const youngest = Math.min(...usable.map(({ age }) => age));
  const kept = terms.lifetime + KEPT_MS;
  const replaced = (key: KeyAge): boolean => usable.some(({ startsIn }) => startsIn > key.startsIn && startsIn < -kept);
  // Whoever can read the others has made new ones by then, unless nobody can any more.
  const gone = keys.filter((key) => (key.usable ? replaced(key) : key.age > 2 * terms.rotate + kept));
  const startsIn = usable.length === 0 ? 0 : youngest >= terms.rotate ? AHEAD_MS : null;
  return { startsIn, gone: gone.map(({ kid }) => kid) };
}
