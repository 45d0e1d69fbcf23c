/** Whether what was granted covers what is needed, part by part between colons: `*` is any part, and at the end any rest. */
export function covers(granted: string, needed: string): boolean {
  const pattern = granted.split(':');
  const parts = needed.split(':');
  for (const [index, each] of pattern.entries()) {
    if (each === '*' && index === pattern.length - 1) return parts.length > index;
    if (index >= parts.length || (each !== '*' && each !== parts[index])) return false;
  }
  return pattern.length === parts.length;
}
