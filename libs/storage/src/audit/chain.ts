import { createHash } from 'node:crypto';
import { type AuditEntry, type ChainedEntry } from './entry.js';

/** The end of the chain, that the next entry is hashed with. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: Buffer;
}

/** Before the first entry. */
export const GENESIS: ChainEnd = { seq: 0, hash: Buffer.alloc(32) };

/** Puts an entry behind the end of the chain: its hash covers its number, all that it says, and the hash before it. */
export function linked(entry: AuditEntry, { seq, hash }: ChainEnd): ChainedEntry {
  return { ...entry, seq: seq + 1, hash: hashOf(entry, seq + 1, hash) };
}

export interface Break {
  readonly seq: number;
  readonly reason: string;
}

/** Where entries, in order, do not follow on the end of the chain and on each other; null: nowhere. */
export function breakIn(entries: readonly ChainedEntry[], end: ChainEnd): Break | null {
  let last = end;
  for (const entry of entries) {
    if (entry.seq !== last.seq + 1) return { seq: last.seq + 1, reason: 'the entry is missing' };
    if (!hashOf(entry, entry.seq, last.hash).equals(entry.hash)) {
      return { seq: entry.seq, reason: 'the entry, or the one before it, is not what was written' };
    }
    last = entry;
  }
  return null;
}

function hashOf(entry: AuditEntry, seq: number, previous: Buffer): Buffer {
  const { at, actor, credential, clientIp, userAgent, operation, entity, before, after, outcome, status, requestId } =
    entry;
  const said = [seq, at.toISOString(), actor, credential, clientIp, userAgent, operation, entity];
  return createHash('sha256')
    .update(previous)
    .update(canonical([...said, before, after, outcome, status, requestId]))
    .digest();
}

/** JSON with one spelling: members by name, no space. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}
