/** Where a piece of configuration was written: a stretch of the file, or an environment variable. */
export type Origin =
  | { readonly kind: 'file'; readonly start: number; readonly end: number }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'nowhere' };

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it was written, so that `012` given for a text stays `012`. */
  readonly source: string;
  /**
   * Set when it came out of the environment: what stands in the file, or the variable. Messages show this instead of the
   * value, which may be a secret; and the text `8080` then also serves as a number.
   */
  readonly via: string | null;
  readonly origin: Origin;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly InputNode[];
  readonly origin: Origin;
}

export interface MapEntry {
  readonly key: Origin;
  readonly value: InputNode;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
  readonly origin: Origin;
}

/** Configuration before it is understood: the tree of the file, each piece knowing where it was written. */
export type InputNode = ScalarNode | ListNode | MapNode;

export const NOWHERE: Origin = { kind: 'nowhere' };

export function scalar(value: ScalarNode['value'], origin: Origin = NOWHERE): ScalarNode {
  return { kind: 'scalar', value, source: String(value), via: null, origin };
}

/** The tree of a plain value, such as a JSON body of the admin API or a default. */
export function fromValue(value: unknown): InputNode {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(fromValue), origin: NOWHERE };
  if (typeof value === 'object' && value !== null) {
    const entries = new Map<string, MapEntry>();
    for (const [key, child] of Object.entries(value)) entries.set(key, { key: NOWHERE, value: fromValue(child) });
    return { kind: 'map', entries, origin: NOWHERE };
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return scalar(value);
  return scalar(null);
}

export function isNothing(node: InputNode | undefined): boolean {
  if (node?.kind !== 'scalar') return node === undefined;
  return node.value === null || (node.via !== null && node.value === '');
}
