import { randomFillSync } from 'node:crypto';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const POOL = Buffer.allocUnsafe(8192);
let used = POOL.length;

function hexAt(offset: number): string {
  return HEX[POOL[offset] ?? 0] ?? '00';
}

/** Takes `count` random bytes and says where they start; asking the kernel once for 8 kB is far cheaper than once an id. */
function takeRandom(count: number): number {
  if (used + count > POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  const offset = used;
  used += count;
  return offset;
}

export function randomHex(bytes: number): string {
  const offset = takeRandom(bytes);
  let text = '';
  for (let i = 0; i < bytes; i++) text += hexAt(offset + i);
  return text;
}

/** RFC 9562 UUID version 7: sorts by the millisecond it was made in, 74 random bits. */
export function uuidv7(now: number): string {
  const o = takeRandom(10);
  const time = now.toString(16).padStart(12, '0');
  const version = HEX[0x70 | ((POOL[o] ?? 0) & 0x0f)] ?? '70';
  const variant = HEX[0x80 | ((POOL[o + 2] ?? 0) & 0x3f)] ?? '80';
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}${hexAt(o + 1)}-${variant}${hexAt(o + 3)}-${hexAt(o + 4)}${hexAt(o + 5)}${hexAt(o + 6)}${hexAt(o + 7)}${hexAt(o + 8)}${hexAt(o + 9)}`;
}

/** `X-Request-Id` from a client is taken over when it is 1–128 of these; anything else could forge a log line. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text);
}
