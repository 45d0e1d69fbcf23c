const FIRST_MS = 50;
/** With Redis back, shared limits have to hold again within two seconds: no wait may come near that. */
const LONGEST_MS = 1_000;

/** How long to wait before the nth try: doubling, then even; each between half and all of it, so that a fleet does not come back as one. */
export function reconnectDelay(attempt: number, random: () => number = Math.random): number {
  const longest = Math.min(FIRST_MS * 2 ** Math.min(attempt - 1, 16), LONGEST_MS);
  return Math.round(longest * (0.5 + random() / 2));
}
