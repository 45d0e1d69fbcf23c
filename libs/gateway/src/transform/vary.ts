/** Adds a name to the `Vary` of a flat list of fields, unless it is there or everything varies. */
export function addVary(fields: string[], name: string): void {
  for (let i = 0; i < fields.length; i += 2) {
    const field = fields[i] as string;
    if (field.length !== 4 || field.toLowerCase() !== 'vary') continue;
    const value = fields[i + 1] as string;
    if (names(value, name)) return;
    // The first is enough to change: several fields of one name count as one.
    fields[i + 1] = value === '' ? name : `${value}, ${name}`;
    return;
  }
  fields.push('Vary', name);
}

function names(value: string, name: string): boolean {
  const wanted = name.toLowerCase();
  return value.split(',').some((part) => {
    const token = part.trim().toLowerCase();
    return token === wanted || token === '*';
  });
}
