import { type PathPattern } from './path-pattern.js';

/** What the leaves of one place are kept in. */
export interface LeafList<L> {
  /** The lowest rank in it. */
  readonly best: number;
  add(leaf: L): void;
}

export interface PathVisitor<B> {
  /** Lists whose best rank is not below this are not visited. */
  readonly bound: number;
  visit(list: B): void;
}

/**
 * A radix tree over the characters of paths. A path is walked once, down the literal children that it spells and into
 * parameters where there are any, so the work depends on the path and not on how many routes there are.
 *
 * Leaves carry a rank (lower goes first) and every node knows the best rank below it. A visit lowers its `bound` to the
 * rank of what it has found, and branches that cannot beat it are left out. Deeper lists are visited first: they spell
 * out more, so they usually win, and the regular expressions above them are not even tried.
 */
export class PathTree<L extends { readonly rank: number }, B extends LeafList<L>> {
  readonly #root = new Node<B>('');

  constructor(private readonly makeList: () => B) {}

  add(pattern: PathPattern, leaf: L): void {
    let node = this.#root;
    node.best = Math.min(node.best, leaf.rank);
    let ends: 'here' | 'below' | 'rest' = 'here';
    for (const part of pattern.parts) {
      if (part.kind === 'literal') node = node.literal(part.text, leaf.rank);
      else if (part.kind === 'param') node = node.segment(leaf.rank);
      else ends = part.kind;
    }
    const list = (node[ends] ??= this.makeList());
    list.add(leaf);
  }

  walk(path: string, visitor: PathVisitor<B>): void {
    descend(this.#root, path, 0, visitor);
  }
}

class Node<B extends { readonly best: number }> {
  best = Infinity;
  /** What matches if the path ends here. */
  here: B | null = null;
  /** What matches if the path ends here or a slash follows. */
  below: B | null = null;
  /** What matches whatever follows. */
  rest: B | null = null;
  /** Any one segment. */
  param: Node<B> | null = null;
  /** Literal children; the one for a character stands at its code less `#from`. */
  #children: (Node<B> | undefined)[] = [];
  #from = 0;

  constructor(public text: string) {}

  child(code: number): Node<B> | undefined {
    const slot = code - this.#from;
    return slot >= 0 && slot < this.#children.length ? this.#children[slot] : undefined;
  }

  segment(rank: number): Node<B> {
    this.param ??= new Node<B>('');
    this.param.best = Math.min(this.param.best, rank);
    return this.param;
  }

  /** The node at the end of `text` below this one; edges are split where texts part. */
  literal(text: string, rank: number): Node<B> {
    if (text === '') return this;
    let child = this.child(text.charCodeAt(0));
    if (child === undefined) {
      child = new Node<B>(text);
      this.#put(child);
    } else {
      const shared = sharedLength(child.text, text);
      if (shared < child.text.length) {
        const lower = child;
        child = new Node<B>(text.slice(0, shared));
        child.best = lower.best;
        lower.text = lower.text.slice(shared);
        child.#put(lower);
        this.#put(child);
      }
    }
    child.best = Math.min(child.best, rank);
    return child.literal(text.slice(child.text.length), rank);
  }

  #put(child: Node<B>): void {
    const code = child.text.charCodeAt(0);
    if (this.#children.length === 0) this.#from = code;
    while (code < this.#from) {
      this.#children.unshift(undefined);
      this.#from--;
    }
    while (code - this.#from > this.#children.length) this.#children.push(undefined);
    this.#children[code - this.#from] = child;
  }
}

function sharedLength(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return i;
}

const SLASH = 0x2f;

/** `at` is where the text of `node` ended. */
function descend<B extends { readonly best: number }>(
  node: Node<B>,
  path: string,
  at: number,
  visitor: PathVisitor<B>,
): void {
  if (node.best >= visitor.bound) return;
  const code = at < path.length ? path.charCodeAt(at) : -1;
  if (code !== -1) {
    const child = node.child(code);
    if (child !== undefined && spells(path, at, child.text)) descend(child, path, at + child.text.length, visitor);
    if (node.param !== null && code !== SLASH) {
      const slash = path.indexOf('/', at);
      descend(node.param, path, slash === -1 ? path.length : slash, visitor);
    }
  } else {
    offer(node.here, visitor);
  }
  if (code === -1 || code === SLASH) offer(node.below, visitor);
  offer(node.rest, visitor);
}

function offer<B extends { readonly best: number }>(list: B | null, visitor: PathVisitor<B>): void {
  if (list !== null && list.best < visitor.bound) visitor.visit(list);
}

/** The first character was compared when the child was chosen. */
function spells(path: string, at: number, text: string): boolean {
  for (let i = 1; i < text.length; i++) {
    if (path.charCodeAt(at + i) !== text.charCodeAt(i)) return false;
  }
  return true;
}
