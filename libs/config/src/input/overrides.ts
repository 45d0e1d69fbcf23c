import { nearest } from '../schema/nearest.js';
import { type Finding, type Path, type Schema } from '../schema/schema.js';
import { type InputNode, type MapEntry, type MapNode, type Origin } from './node.js';
import { resolvePlain } from './plain.js';
import { type Environment } from './substitute.js';
import { readYaml } from './yaml.js';
import { Lines } from './lines.js';

const PREFIX = 'AEGIS__';

/** Well-known variables that stand for a setting; an `AEGIS__…` one wins over them. */
const WELL_KNOWN: readonly (readonly [string, Path])[] = [
  ['PORT', ['gateway', 'port']],
  ['DATABASE_URL', ['database', 'url']],
  ['REDIS_URL', ['redis', 'url']],
];

export interface Overridden {
  readonly tree: InputNode;
  readonly findings: readonly Finding[];
}

/** Lays the environment over the tree of the file. */
export function applyOverrides(tree: InputNode, env: Environment, root: Schema<unknown>): Overridden {
  const findings: Finding[] = [];
  let result = tree;
  const lay = (name: string, found: Search): void => {
    const origin: Origin = { kind: 'variable', name };
    const value = 'message' in found ? found : valueOf(env[name] ?? '', name);
    if ('message' in value) findings.push({ path: found.path, origin, ...value });
    else result = put(result, found.path, value);
  };
  for (const [name, path] of WELL_KNOWN) {
    if (env[name] !== undefined && env[name] !== '') lay(name, { path });
  }
  const names = Object.keys(env).filter((name) => name.toUpperCase().startsWith(PREFIX));
  for (const name of names.sort(byNumber)) {
    if (env[name] !== undefined) lay(name, settingOf(name.slice(PREFIX.length).split('__'), root, result));
  }
  return { tree: result, findings };
}

/** `…ROUTES__2` before `…ROUTES__10`: entries that are added must come in order. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

type Search = { readonly path: Path } | Omit<Finding, 'origin'>;

function settingOf(parts: readonly string[], root: Schema<unknown>, tree: InputNode): Search {
  const path: (string | number)[] = [];
  let schema: Schema<unknown> = root;
  let node: InputNode | undefined = tree;
  for (const part of parts) {
    const step = stepOf(part, schema, node);
    if (typeof step === 'object') return { path: [...path, part], ...step };
    const next = schema.child?.(String(step));
    if (next === undefined)
      return { path: [...path, part], message: `there is no setting ${JSON.stringify(part)} below this one` };
    path.push(step);
    schema = next;
    node = childOf(node, step);
  }
  return { path };
}

function stepOf(
  part: string,
  schema: Schema<unknown>,
  node: InputNode | undefined,
): string | number | { readonly message: string; readonly hint?: string; readonly allowed?: string } {
  if (/^\d+$/.test(part) && schema.child?.(part) !== undefined) {
    const count = node?.kind === 'list' ? node.items.length : 0;
    if (Number(part) <= count) return Number(part);
    return { message: `the list has ${count} entries`, allowed: `0 to ${count}, where ${count} adds one` };
  }
  const { keys } = schema;
  const known = keys ?? (node?.kind === 'map' ? [...node.entries.keys()] : []);
  const key = known.find((candidate) => plain(candidate) === plain(part));
  if (key !== undefined) return key;
  // A map of free names takes a new one; environment variables are upper case by habit only.
  if (keys === undefined) return part.toLowerCase();
  const near = nearest(part, keys);
  return {
    message: `there is no setting ${JSON.stringify(part)}`,
    allowed: keys.join(', '),
    ...(near !== undefined && { hint: `did you mean ${near}?` }),
  };
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

function childOf(node: InputNode | undefined, step: string | number): InputNode | undefined {
  if (node?.kind === 'list') return node.items[Number(step)];
  return node?.kind === 'map' ? node.entries.get(String(step))?.value : undefined;
}

function put(node: InputNode | undefined, path: Path, value: InputNode): InputNode {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const child = put(childOf(node, step), rest, value);
  const origin = node?.origin ?? value.origin;
  if (typeof step === 'number') {
    const items = node?.kind === 'list' ? [...node.items] : [];
    items[step] = child;
    return { kind: 'list', items, origin };
  }
  const before = node?.kind === 'map' ? node.entries : new Map<string, MapEntry>();
  const entries = new Map(before).set(step, { key: before.get(step)?.key ?? value.origin, value: child });
  const map: MapNode = { kind: 'map', entries, origin };
  return map;
}

/** A scalar as YAML reads it, or a list or map in brackets. Quotes around it make it text. */
function valueOf(text: string, name: string): InputNode | { readonly message: string } {
  const origin: Origin = { kind: 'variable', name };
  const trimmed = text.trim();
  const quoted = /^"([\s\S]*)"$|^'([\s\S]*)'$/.exec(trimmed);
  const inside = quoted?.[1] ?? quoted?.[2];
  if (inside !== undefined) return { kind: 'scalar', value: inside, source: inside, via: name, origin };
  if (!/^[[{]/.test(trimmed))
    return { kind: 'scalar', value: resolvePlain(trimmed), source: trimmed, via: name, origin };
  const { tree, findings } = readYaml(trimmed, new Lines(trimmed), {});
  const [problem] = findings;
  return problem === undefined ? movedTo(origin, tree, name) : { message: problem.message };
}

/** The same tree, said to stand in the variable. */
function movedTo(origin: Origin, node: InputNode, via: string): InputNode {
  if (node.kind === 'scalar') return { ...node, via, origin };
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => movedTo(origin, item, via)), origin };
  const entries = [...node.entries].map(
    ([key, { value }]) => [key, { key: origin, value: movedTo(origin, value, via) }] as const,
  );
  return { kind: 'map', entries: new Map(entries), origin };
}
