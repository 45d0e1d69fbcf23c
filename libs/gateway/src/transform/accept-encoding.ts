/** The codings that Aegis can apply, the one it would rather use first. */
export type Coding = 'br' | 'gzip';

export interface Acceptable {
  /** null: none of ours. */
  readonly coding: Coding | null;
  /** The content may come as it is. */
  readonly identity: boolean;
}

const WEIGHT = /^(?:;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;

/**
 * Reads `Accept-Encoding` (RFC 9110, 12.5.3). The highest weight wins, brotli where two are equal. A weight that cannot be
 * read is none, since compressing for somebody who cannot decompress is the one mistake that matters.
 */
export function acceptable(header: string): Acceptable {
  const weights = new Map<string, number>();
  for (const member of header.toLowerCase().split(',')) {
    const semicolon = member.indexOf(';');
    const name = (semicolon === -1 ? member : member.slice(0, semicolon)).trim();
    const [read, weight = '1'] = WEIGHT.exec(semicolon === -1 ? '' : member.slice(semicolon).trim()) ?? [];
    // `x-gzip` is gzip (RFC 9110, 8.4.1.3).
    if (name !== '') weights.set(name === 'x-gzip' ? 'gzip' : name, read === undefined ? 0 : Number(weight));
  }
  const others = weights.get('*') ?? 0;
  const br = weights.get('br') ?? others;
  const gzip = weights.get('gzip') ?? others;
  const identity = weights.get('identity') ?? (weights.has('*') ? others : 1);
  const best = Math.max(br, gzip);
  // Someone who says that they would rather have it plain gets it plain.
  const plain = best === 0 || (weights.has('identity') && identity > best);
  return { coding: plain ? null : br === best ? 'br' : 'gzip', identity: identity > 0 };
}
