import {
  type CacheStore,
  type Filing,
  type Found,
  MOST_VARIANTS,
  NOTHING_FOUND,
  type Variants,
} from './cache-store.js';
import { sizeOf, type StoredResponse } from './stored-response.js';

/** Bytes that the answers of a process may take. */
export const MEMORY_BOUND = 128 * 1024 * 1024;

interface Kept {
  readonly stored: StoredResponse;
  readonly uselessAt: number;
  readonly size: number;
}

/** The answers to one key. */
interface Group {
  readonly names: readonly string[];
  readonly variants: Map<string, Kept>;
  size: number;
}

/** Keeps answers in this process: those used last, as many as fit. Every step takes the same time, however many there are. */
export class MemoryStore implements CacheStore {
  /** The one used longest ago comes first. */
  private readonly groups = new Map<string, Group>();
  private size = 0;

  constructor(
    private readonly now: () => number,
    private readonly bound = MEMORY_BOUND,
  ) {}

  /** Of what is kept, about. */
  get bytes(): number {
    return this.size;
  }

  find(key: string, variants: Variants): Found {
    const group = this.groups.get(key);
    if (group === undefined) return NOTHING_FOUND;
    this.groups.delete(key);
    this.groups.set(key, group);
    for (const variant of variants(group.names)) {
      const kept = group.variants.get(variant);
      if (kept === undefined) continue;
      if (kept.uselessAt > this.now()) return { stored: kept.stored, names: group.names };
      this.drop(group, variant, kept);
    }
    return { stored: null, names: group.names };
  }

  put({ key, names, variant, stored, uselessAt }: Filing): void {
    const size = sizeOf(stored) + key.length * 2;
    if (size > this.bound) return;
    let group = this.groups.get(key);
    if (group !== undefined && group.names.join() !== names.join()) {
      this.forget(key, group);
      group = undefined;
    }
    group ??= { names, variants: new Map(), size: 0 };
    const before = group.variants.get(variant);
    if (before !== undefined) this.drop(group, variant, before);
    const [oldest] = group.variants;
    if (oldest !== undefined && group.variants.size >= MOST_VARIANTS) this.drop(group, oldest[0], oldest[1]);
    group.variants.set(variant, { stored, uselessAt, size });
    group.size += size;
    this.size += size;
    this.groups.delete(key);
    this.groups.set(key, group);
    while (this.size > this.bound) {
      const [first] = this.groups;
      if (first === undefined) break;
      this.forget(...first);
    }
  }

  remove(key: string): void {
    const group = this.groups.get(key);
    if (group !== undefined) this.forget(key, group);
  }

  close(): void {
    this.groups.clear();
    this.size = 0;
  }

  private forget(key: string, group: Group): void {
    this.groups.delete(key);
    this.size -= group.size;
  }

  private drop(group: Group, variant: string, { size }: Kept): void {
    group.variants.delete(variant);
    group.size -= size;
    this.size -= size;
  }
}
