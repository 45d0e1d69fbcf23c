/**
 * A name made from a path: `/api/users/:id` → `api-users-id`, and `api-users-id-2` when that is taken. It is taken from
 * then on.
 */
export function derivedName(path: string, taken: Set<string>): string {
  const words = path.match(/[A-Za-z0-9._]+/g)?.join('-') ?? '';
  const base = words.replace(/^[._-]+/, '').slice(0, 100) || 'root';
  let name = base;
  for (let count = 2; taken.has(name); count++) name = `${base}-${count}`;
  taken.add(name);
  return name;
}
