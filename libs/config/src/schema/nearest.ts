/** Optimal string alignment: insert, delete, replace, and swap neighbours, each for 1. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** What the writer most likely meant; undefined when nothing is near. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  if (written.length > 64) return undefined;
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_ ]/g, '');
  const wanted = plain(written);
  let best: string | undefined;
  let least = Infinity;
  for (const name of known) {
    const other = plain(name);
    const steps = distance(wanted, other);
    const short = Math.min(wanted.length, other.length);
    const near =
      steps <= Math.max(1, Math.floor(short / 3)) ||
      (short >= 4 && (other.startsWith(wanted) || wanted.startsWith(other)));
    if (near && steps < least) [best, least] = [name, steps];
  }
  return best;
}
