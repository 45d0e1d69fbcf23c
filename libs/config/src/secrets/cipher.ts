import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from 'node:crypto';

/**
 * AES-256-GCM. `aes-gcm:key.…` was made with a 32-byte key, `aes-gcm:scrypt.…` with a passphrase: the key comes from it and
 * a random salt by scrypt, so that one guess costs 32 MB and tens of milliseconds. What follows the dot is base64url of
 * salt (passphrase only), nonce, tag and ciphertext.
 */
const PREFIX = 'aes-gcm:';
const SALT = 16;
const NONCE = 12;
const TAG = 16;
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 ** 2 };

type Scheme = 'key' | 'scrypt';

/** The 32 bytes that a hexadecimal or base64 text says outright; undefined for a passphrase. */
function rawKey(secretKey: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(secretKey)) return Buffer.from(secretKey, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(secretKey)) return undefined;
  const bytes = Buffer.from(secretKey, 'base64');
  return bytes.length === 32 ? bytes : undefined;
}

/** Deriving takes long and every reload asks again. */
const derived = new Map<string, Buffer>();

function derivedKey(passphrase: string, salt: Buffer): Buffer {
  const id = createHash('sha256').update(salt).update(passphrase).digest('hex');
  const known = derived.get(id);
  if (known !== undefined) return known;
  const key = scryptSync(passphrase, salt, 32, COST);
  if (derived.size >= 1000) derived.clear();
  derived.set(id, key);
  return key;
}

/** `secretKey`: a passphrase, or 32 bytes in hexadecimal or base64. */
export function encryptSecret(secret: string, secretKey: string): string {
  const raw = rawKey(secretKey);
  const scheme: Scheme = raw === undefined ? 'scrypt' : 'key';
  const salt = raw === undefined ? randomBytes(SALT) : Buffer.alloc(0);
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', raw ?? derivedKey(secretKey, salt), nonce);
  cipher.setAAD(Buffer.from(scheme));
  const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return `${PREFIX}${scheme}.${Buffer.concat([salt, nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
}

/** The key for what Aegis stores itself: from a passphrase it is derived once, rather than for every text. */
export function storageKey(secretKey: string): string {
  if (rawKey(secretKey) !== undefined) return secretKey;
  const salt = createHash('sha256').update('what Aegis stores').digest().subarray(0, SALT);
  return derivedKey(secretKey, salt).toString('hex');
}

const MALFORMED = 'it is not what `aegis encrypt` writes: aes-gcm:… is expected';

export function decryptSecret(
  encrypted: string,
  secretKey: string | undefined,
): { readonly text: string } | { readonly problem: string } {
  const [, scheme, encoded = ''] = /^aes-gcm:(key|scrypt)\.([A-Za-z0-9_-]+)$/.exec(encrypted.trim()) ?? [];
  if (scheme === undefined) return { problem: MALFORMED };
  if (secretKey === undefined || secretKey === '') {
    return { problem: 'AEGIS_SECRET_KEY is not set, and without it this cannot be decrypted' };
  }
  const raw = rawKey(secretKey);
  if ((scheme === 'key') !== (raw !== undefined)) {
    const [needed, given] = scheme === 'key' ? ['a 32-byte key', 'a passphrase'] : ['a passphrase', 'a 32-byte key'];
    return { problem: `it was encrypted with ${needed}, and AEGIS_SECRET_KEY is ${given}` };
  }
  const bytes = Buffer.from(encoded, 'base64url');
  const start = scheme === 'key' ? 0 : SALT;
  if (bytes.length < start + NONCE + TAG) return { problem: MALFORMED };
  const part = (from: number, length?: number): Buffer =>
    bytes.subarray(from, length === undefined ? undefined : from + length);
  try {
    const key = raw ?? derivedKey(secretKey, part(0, SALT));
    const decipher = createDecipheriv('aes-256-gcm', key, part(start, NONCE), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(scheme));
    decipher.setAuthTag(part(start + NONCE, TAG));
    return { text: Buffer.concat([decipher.update(part(start + NONCE + TAG)), decipher.final()]).toString('utf8') };
  } catch {
    return { problem: 'it cannot be decrypted: AEGIS_SECRET_KEY is another one, or the text was changed' };
  }
}
