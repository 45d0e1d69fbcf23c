/** All fields of a name (given in lower case) in a flat list, joined by commas as RFC 9110, 5.3 has it; null: there is none. */
export function fieldOf(fields: readonly string[], name: string): string | null {
  let value: string | null = null;
  for (let i = 0; i < fields.length; i += 2) {
    const each = fields[i] as string;
    if (each.length !== name.length || each.toLowerCase() !== name) continue;
    value = value === null ? (fields[i + 1] as string) : `${value}, ${fields[i + 1] as string}`;
  }
  return value;
}

export function listOf(value: string | null | undefined): string[] {
  if (value === null || value === undefined) return [];
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
