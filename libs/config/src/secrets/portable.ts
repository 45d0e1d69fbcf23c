import { types } from 'node:util';
import { Secret, type SecretReference } from './secret.js';

/** How a secret travels: a declared configuration has no other map of this kind. */
type Packed = ReadonlyMap<'value' | 'shown' | 'reference', unknown>;

/** The same value, fit to be sent to another thread, which a `Secret` is not. What has no secret in it is not copied. */
export function portable(value: unknown): unknown {
  if (value instanceof Secret) {
    const packed: Packed = new Map<'value' | 'shown' | 'reference', unknown>([
      ['value', value.reveal()],
      ['shown', value.toString()],
      ['reference', value.reference],
    ]);
    return packed;
  }
  return changed(value, portable);
}

/** What `portable` made, as it was. */
export function unportable(value: unknown): unknown {
  if (types.isMap(value)) {
    const packed = value as Packed;
    return new Secret(
      String(packed.get('value')),
      String(packed.get('shown')),
      packed.get('reference') as SecretReference | null,
    );
  }
  return changed(value, unportable);
}

function changed(value: unknown, change: (child: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const children = value.map(change);
    return children.some((child, index) => child !== value[index]) ? children : value;
  }
  let copy: Record<string, unknown> | undefined;
  for (const [key, child] of Object.entries(value)) {
    const next = change(child);
    if (next !== child) (copy ??= { ...value })[key] = next;
  }
  return copy ?? value;
}
