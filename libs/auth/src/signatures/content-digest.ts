import { createHash, type Hash } from 'node:crypto';
import { isInnerList, parseDictionary } from 'structured-headers';
import { type BodyCheck, type Refusal } from '#kernel';

const LONGEST = 1024;
const ALGORITHMS: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' };

/** Watches a body go by and says at its end whether it is the one that `Content-Digest` (RFC 9530) describes. */
class DigestCheck implements BodyCheck {
  constructor(
    private readonly hashes: readonly (readonly [Hash, Buffer])[],
    private readonly refusal: Refusal,
  ) {}

  piece(bytes: Buffer): void {
    for (const [hash] of this.hashes) hash.update(bytes);
  }

  end(): Refusal | null {
    return this.hashes.every(([hash, wanted]) => hash.digest().equals(wanted)) ? null : this.refusal;
  }
}

/** null: there is no digest in it that we can check. Every one that we know has to hold. */
export function digestCheck(field: string | undefined, refusal: Refusal): BodyCheck | null {
  if (field === undefined || field.length > LONGEST) return null;
  try {
    const hashes: (readonly [Hash, Buffer])[] = [];
    for (const [name, member] of parseDictionary(field)) {
      const algorithm = ALGORITHMS[name];
      if (algorithm === undefined) continue;
      const value: unknown = isInnerList(member) ? null : member[0];
      if (!(value instanceof ArrayBuffer)) return null;
      hashes.push([createHash(algorithm), Buffer.from(value)]);
    }
    return hashes.length === 0 ? null : new DigestCheck(hashes, refusal);
  } catch {
    return null;
  }
}
