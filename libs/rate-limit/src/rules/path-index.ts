/**
 * Finds what is filed under a path: `/api/critical` is that path alone, `/admin/*` is /admin and everything below it, `/*`
 * is all. A slash at the end makes no difference, since upstreams seldom make one. The cost grows with the depth of the
 * path asked about, never with the number of entries.
 */
export class PathIndex<T> {
  private readonly everywhere: T[] = [];
  private readonly exact = new Map<string, T[]>();
  private readonly below = new Map<string, T[]>();

  constructor(entries: Iterable<readonly [pattern: string, value: T]>) {
    for (const [pattern, value] of entries) {
      if (pattern === '/*') this.everywhere.push(value);
      else if (pattern.endsWith('/*')) file(this.below, pattern.slice(0, -2), value);
      else file(this.exact, trimmed(pattern), value);
    }
  }

  /** Calls `found` with each, those for all paths first. */
  forEach(path: string, found: (value: T) => void): void {
    this.everywhere.forEach(found);
    if (this.exact.size > 0) this.exact.get(trimmed(path))?.forEach(found);
    if (this.below.size === 0) return;
    const plain = trimmed(path);
    for (let end = plain.indexOf('/', 1); end !== -1; end = plain.indexOf('/', end + 1)) {
      this.below.get(plain.slice(0, end))?.forEach(found);
    }
    this.below.get(plain)?.forEach(found);
  }

  has(path: string): boolean {
    let any = false;
    this.forEach(path, () => (any = true));
    return any;
  }
}

function file<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
