import { isAlias, isMap, isScalar, type Pair, type ParsedNode, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { type Finding, type Path } from '../schema/schema.js';
import { type Lines } from './lines.js';
import { type InputNode, type MapEntry, type MapNode, type Origin, scalar, type ScalarNode } from './node.js';
import { resolvePlain } from './plain.js';
import { type Environment, substitute } from './substitute.js';

/** A tree that aliases make larger than this is an attack or a mistake. */
const MOST_NODES = 1_000_000;

/** Makes the tree of a YAML document: resolves aliases and merge keys, puts in the environment, finds duplicate keys. */
export class TreeBuilder {
  readonly findings: Finding[] = [];
  /** null while the node with this anchor is being built. */
  private readonly anchors = new Map<string, InputNode | null>();
  /** Nodes in and below a node, aliases counted as often as they stand there. */
  private readonly sizes = new Map<InputNode, number>();
  private total = 0;

  constructor(
    private readonly lines: Lines,
    private readonly env: Environment,
  ) {}

  build(node: ParsedNode): InputNode {
    return this.node(node, []);
  }

  private node(node: ParsedNode, path: Path): InputNode {
    if (isAlias(node)) return this.alias(node.source, node, path);
    const { anchor } = node;
    if (anchor !== undefined) this.anchors.set(anchor, null);
    const before = this.total++;
    const built = isMap(node) ? this.map(node, path) : isScalar(node) ? this.scalar(node, path) : this.list(node, path);
    this.sizes.set(built, this.total - before);
    if (anchor !== undefined) this.anchors.set(anchor, built);
    return built;
  }

  private alias(name: string, node: ParsedNode, path: Path): InputNode {
    const origin = originOf(node);
    const target = this.anchors.get(name);
    if (target === undefined) {
      this.wrong(path, origin, `*${name} refers to nothing above`, `if it is text, write it in quotes: "*${name}"`);
    } else if (target === null) this.wrong(path, origin, `*${name} refers to what it stands in`);
    else {
      this.total += this.sizes.get(target) ?? 1;
      if (this.total <= MOST_NODES) return target;
      if (!this.findings.some(({ message }) => message === TOO_MUCH)) this.wrong(path, origin, TOO_MUCH);
    }
    return scalar(null, origin);
  }

  private list(node: YAMLSeq.Parsed, path: Path): InputNode {
    const items = node.items.map((item, index) => this.node(item, [...path, index]));
    return { kind: 'list', items, origin: originOf(node) };
  }

  private map(node: YAMLMap.Parsed, path: Path): MapNode {
    const entries = new Map<string, MapEntry>();
    const merged: MapNode[] = [];
    for (const pair of node.items) {
      const name = this.keyOf(pair, path);
      if (name === undefined) continue;
      const key = originOf(pair.key);
      const value = pair.value === null ? scalar(null, key) : this.node(pair.value, [...path, name]);
      const before = entries.get(name)?.key;
      if (name === '<<' && this.merge(value, merged)) continue;
      if (before?.kind === 'file') {
        const line = this.lines.at(before.start).line;
        this.wrong([...path, name], key, `the key ${JSON.stringify(name)} stands there twice, first in line ${line}`);
      } else entries.set(name, { key, value });
    }
    for (const other of merged) {
      for (const [name, entry] of other.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    return { kind: 'map', entries, origin: originOf(node) };
  }

  private keyOf({ key }: Pair<ParsedNode, ParsedNode | null>, path: Path): string | undefined {
    if (isScalar(key)) return key.type === 'PLAIN' ? key.source : String(key.value);
    this.wrong(path, originOf(key), 'a key is plain text', 'write it in quotes');
    return undefined;
  }

  /** `<<: *base` or `<<: [*a, *b]`: what stands in the map itself wins. */
  private merge(value: InputNode, into: MapNode[]): boolean {
    const maps = value.kind === 'list' ? value.items : [value];
    if (!maps.every((map) => map.kind === 'map')) return false;
    into.push(...maps);
    return true;
  }

  private scalar(node: Scalar.Parsed, path: Path): ScalarNode {
    const origin = originOf(node);
    const { value } = node;
    const plain = node.type === 'PLAIN';
    const source = plain ? node.source : String(value);
    if (typeof value === 'number' || typeof value === 'boolean' || value === null) {
      return { kind: 'scalar', value, source, via: null, origin };
    }
    if (!source.includes('${')) return { kind: 'scalar', value: source, source, via: null, origin };
    const { text, changed, problems } = substitute(source, this.env);
    for (const problem of problems) this.wrong(path, origin, problem);
    const via = changed ? JSON.stringify(source) : null;
    return { kind: 'scalar', value: plain && changed ? resolvePlain(text) : text, source: text, via, origin };
  }

  private wrong(path: Path, origin: Origin, message: string, hint?: string): void {
    this.findings.push({ path, origin, message, ...(hint !== undefined && { hint }) });
  }
}

const TOO_MUCH = `aliases make the configuration larger than ${MOST_NODES.toLocaleString('en')} values`;

function originOf(node: ParsedNode): Origin {
  const [start, end] = node.range;
  return { kind: 'file', start, end };
}
