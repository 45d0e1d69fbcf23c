import { derivedName } from '../compile/names.js';
import { type Config } from '../compile/config.js';
import { Lines } from '../input/lines.js';
import { fromValue, type InputNode } from '../input/node.js';
import { readYaml } from '../input/yaml.js';
import { type LoadedConfig, withoutExtensions } from '../load.js';
import { maskedConfig, shown } from '../masked.js';
import { type Declared, root } from '../model/root.js';
import { type Path, Place, type Reading } from '../schema/schema.js';
import { type Secret } from '../secrets/secret.js';
import { ENTITY_KINDS, type Entity, type EntityKind, KINDS } from './kinds.js';
import { namedValues } from './listed.js';
import { type EntityMistake, plainValue, said, shownMeaning } from './read.js';

export interface ReadDocument {
  readonly entities: readonly Entity[];
  readonly mistakes: readonly EntityMistake[];
  /** Those of the file that it wants otherwise, as `kind/name`. */
  readonly declaredInFile: readonly string[];
  /** It says about addresses what is said already. */
  readonly sameIpRules: boolean;
}

/** The name of the address rules that a whole configuration brings along: in a document they have none. */
const DOCUMENT_IP_RULES = 'config';

/**
 * A whole configuration as the admin API takes it, in the shape of the file: which entities it wants beside those of the
 * file. About all other settings it may only say what is so already.
 */
export function readDocument(
  document: { readonly yaml: string } | { readonly value: unknown },
  running: Config,
  file: LoadedConfig,
): ReadDocument {
  const { tree, mistakes } = treeOf(document);
  if (mistakes.length > 0) return { entities: [], mistakes, declaredInFile: [], sameIpRules: true };
  const reading: Reading = {
    mistakes: [],
    warnings: [],
    secrets: knownSecrets(running),
    revealed: new Set(),
    expressions: [],
    takesMasks: true,
  };
  const declared = root.read(tree, new Place([], tree.origin, reading));
  const wrong = [...reading.mistakes.map(said), ...foreignSettings(tree, declared, running.declared)];
  const entities: Entity[] = [];
  const declaredInFile: string[] = [];
  for (const kind of ENTITY_KINDS) {
    if (kind === 'ip-rules') continue;
    const ofFile = new Map(namedValues(kind, file.config));
    const seen = new Map<string, number>();
    for (const [index, { name, value, node }] of written(kind, declared, tree).entries()) {
      const before = seen.get(name);
      if (before !== undefined) {
        const list = KINDS[kind].path.join('.');
        const message = `another ${KINDS[kind].one} is called ${JSON.stringify(name)}: ${list}[${before}]`;
        wrong.push({ path: `${list}[${index}].name`, message });
        continue;
      }
      seen.set(name, index);
      if (ofFile.has(name)) {
        if (withoutName(kind, value) !== withoutName(kind, ofFile.get(name))) declaredInFile.push(`${kind}/${name}`);
        continue;
      }
      const { name: _, ...spec } = plainValue(node) as Record<string, unknown>;
      entities.push({ kind, name, spec });
    }
  }
  const ip = beyond(declared.gateway.ip, file.config.declared.gateway.ip);
  if (ip.allow.length + ip.deny.length > 0) entities.push({ kind: 'ip-rules', name: DOCUMENT_IP_RULES, spec: ip });
  const sameIpRules = sorted(declared.gateway.ip) === sorted(running.declared.gateway.ip);
  return { entities, mistakes: wrong, declaredInFile, sameIpRules };
}

function treeOf(document: { readonly yaml: string } | { readonly value: unknown }): {
  readonly tree: InputNode;
  readonly mistakes: readonly EntityMistake[];
} {
  if ('value' in document) return { tree: fromValue(document.value), mistakes: [] };
  const { tree, findings } = readYaml(document.yaml, new Lines(document.yaml), {});
  return { tree: withoutExtensions(tree), mistakes: findings.map(said) };
}

/** A reference may only be to what runs already: a document must not be a way to look at the files of this machine. */
function knownSecrets(running: Config): Reading['secrets'] {
  let known: ReadonlySet<string> | undefined;
  const of = (reference: object): { text: string } | { problem: string } =>
    (known ??= referencesIn(maskedConfig(running, { plain: true }))).has(JSON.stringify(reference))
      ? { text: 'known-here-and-not-read-again-0123456789' }
      : { problem: 'it is not a secret of the configuration that runs; it belongs to the configuration file' };
  return { file: (file) => of({ file }), decrypt: (encrypted) => of({ encrypted }) };
}

function referencesIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  const [first, ...others] = Object.entries(value);
  if (first !== undefined && others.length === 0 && typeof first[1] === 'string') found.add(JSON.stringify(value));
  for (const child of Object.values(value)) referencesIn(child, found);
  return found;
}

const ENTITY_PATHS = new Set(ENTITY_KINDS.map((kind) => KINDS[kind].path.join('.')));

/** What it says about settings that no entity stands for, where that is not so. */
function foreignSettings(tree: InputNode, wanted: Declared, running: Declared): EntityMistake[] {
  const masked = { terse: false, secret: (secret: Secret) => shown(secret) };
  const wants = root.write(withoutEntities(wanted), masked);
  const runs = root.write(withoutEntities(running), masked);
  const mistakes: EntityMistake[] = [];
  const compare = (node: InputNode, path: Path): void => {
    const name = path.join('.');
    if (ENTITY_PATHS.has(name)) return;
    const holdsEntities = [...ENTITY_PATHS].some((each) => each.startsWith(name === '' ? '' : `${name}.`));
    if (holdsEntities && node.kind === 'map') {
      for (const [key, entry] of node.entries) compare(entry.value, [...path, key]);
    } else if (!holdsEntities && JSON.stringify(at(wants, path)) !== JSON.stringify(at(runs, path))) {
      mistakes.push({
        path: name,
        message: 'this is a setting of each instance: change it in the configuration file, and leave it out here',
      });
    }
  };
  compare(tree, []);
  return mistakes;
}

/** There may be 100,000 of them, and what they say is not asked for. */
function withoutEntities({ gateway, auth, rateLimiting, monitoring, ...rest }: Declared): Declared {
  return {
    ...rest,
    gateway: { ...gateway, routes: [], upstreams: [], ip: { allow: [], deny: [] } },
    auth: { ...auth, consumers: [], rbac: { ...auth.rbac, roles: {} } },
    rateLimiting: { ...rateLimiting, rules: [] },
    monitoring: { ...monitoring, alerts: [] },
  };
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[step] : undefined,
    value,
  );
}

interface Written {
  readonly name: string;
  readonly value: unknown;
  readonly node: InputNode;
}

function written(kind: EntityKind, declared: Declared, tree: InputNode): Written[] {
  const nodes = nodesOf(kind, tree);
  const values = KINDS[kind].of(declared);
  const taken = new Set(values.flatMap(([name]) => name ?? []));
  return values.flatMap(([name, value], index) => {
    const node = nodes[index];
    if (node === undefined) return [];
    const { path } = value as { readonly path?: string | { readonly value: string } };
    return { name: name ?? derivedName(typeof path === 'string' ? path : (path?.value ?? ''), taken), value, node };
  });
}

function nodesOf(kind: EntityKind, tree: InputNode): readonly InputNode[] {
  let node: InputNode | undefined = tree;
  for (const step of KINDS[kind].path) node = node?.kind === 'map' ? node.entries.get(String(step))?.value : undefined;
  if (node?.kind === 'list') return node.items;
  return node?.kind === 'map' ? [...node.entries.values()].map(({ value }) => value) : [];
}

function withoutName(kind: EntityKind, value: unknown): string {
  return shownMeaning(kind, { ...(value as object), name: 'same' });
}

type IpLists = Declared['gateway']['ip'];

function beyond(wanted: IpLists, file: IpLists): { allow: readonly string[]; deny: readonly string[] } {
  const [allowed, denied] = [new Set(file.allow), new Set(file.deny)];
  return {
    allow: wanted.allow.filter((each) => !allowed.has(each)),
    deny: wanted.deny.filter((each) => !denied.has(each)),
  };
}

function sorted({ allow, deny }: IpLists): string {
  return JSON.stringify([[...new Set(allow)].sort(), [...new Set(deny)].sort()]);
}
