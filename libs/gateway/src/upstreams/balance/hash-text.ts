/**
 * A 32-bit hash of a text, for spreading and nothing else: not for secrets, not against an adversary who picks the texts.
 *
 * Algorithm: the block function and the finaliser of MurmurHash3 (32 bits), over pairs of UTF-16 units instead of bytes, so
 * that no text has to be encoded first.
 * Cost: a few nanoseconds per character; nothing is allocated.
 * Limits: its values are part of the contract between instances of the gateway. Changing it moves every key.
 */
export function hashText(text: string, seed = 0): number {
  let hash = seed;
  const pairs = text.length & ~1;
  for (let i = 0; i < pairs; i += 2) {
    hash ^= scramble(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  if (text.length > pairs) hash ^= scramble(text.charCodeAt(pairs));
  return mix(hash ^ text.length);
}

function scramble(block: number): number {
  const multiplied = Math.imul(block, 0xcc9e2d51);
  return Math.imul((multiplied << 15) | (multiplied >>> 17), 0x1b873593);
}

/** Every bit of the input changes every bit of the result with a probability near one half. A bijection of 32-bit numbers. */
export function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
