/** Where counting goes on, of each name that was derived for these before: thousands may come from one path. */
const counted = new WeakMap<Set<string>, Map<string, number>>();

/**
 * A name made from a path: `/api/users/:id` → `api-users-id`, and `api-users-id-2` when that is taken. It is taken from
 * then on.
 */
export function derivedName(path: string, taken: Set<string>): string {
  const words = path.match(/[A-Za-z0-9._]+/g)?.join('-') ?? '';
  const base = words.replace(/^[._-]+/, '').slice(0, 100) || 'root';
  const counts = counted.get(taken) ?? new Map<string, number>();
  counted.set(taken, counts);
  let name = base;
  let count = counts.get(base) ?? 2;
  for (; taken.has(name); count++) name = `${base}-${count}`;
  counts.set(base, count);
  taken.add(name);
  return name;
}
