import { type RouteConfig } from '#config';

/**
 * Changes a raw query (with its `?`, or empty). Parameters that are not named stay byte for byte as they were and where they
 * were: re-encoding them would break signatures and servers that read them in their own way. A parameter that is set takes
 * the place of its first occurrence, and the others go; one that was not there comes last.
 *
 * Names are compared decoded, so `%61dmin` is no way around `remove: [admin]`.
 */
export type QueryChange = (query: string) => string;

export function compileQuery(changes: RouteConfig['request']['query']): QueryChange | null {
  /** What takes the place of a parameter; null: nothing. */
  const places = new Map<string, string | null>(changes.remove.map((name) => [name, null]));
  for (const [name, value] of Object.entries(changes.set)) places.set(name, `${encode(name)}=${encode(value)}`);
  if (places.size === 0) return null;
  const sets = [...places].filter((place): place is [string, string] => place[1] !== null);
  const appended = sets.map(([, pair]) => pair).join('&');
  return (query) => {
    if (query.length <= 1) return appended === '' ? query : `?${appended}`;
    return changed(query, places, sets);
  };
}

type Places = ReadonlyMap<string, string | null>;

function changed(query: string, places: Places, sets: readonly (readonly [string, string])[]): string {
  const pieces = query.slice(1).split('&');
  const placed = new Set<string>();
  let kept = 0;
  let touched = false;
  for (const piece of pieces) {
    const name = nameOf(piece);
    const place = piece === '' ? undefined : places.get(name);
    if (place === undefined) {
      pieces[kept++] = piece;
      continue;
    }
    touched = true;
    if (place === null || placed.has(name)) continue;
    placed.add(name);
    pieces[kept++] = place;
  }
  if (!touched && sets.length === 0) return query;
  if (placed.size < sets.length && kept > 0 && pieces[kept - 1] === '') kept--;
  pieces.length = kept;
  for (const [name, pair] of sets) if (!placed.has(name)) pieces.push(pair);
  return pieces.length === 0 ? '' : `?${pieces.join('&')}`;
}

function nameOf(piece: string): string {
  const equals = piece.indexOf('=');
  const raw = equals === -1 ? piece : piece.slice(0, equals);
  if (!raw.includes('%') && !raw.includes('+')) return raw;
  return new URLSearchParams(`?${raw}`).keys().next().value ?? '';
}

/** A lone surrogate becomes U+FFFD on the way through UTF-8; encodeURIComponent would throw. */
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
