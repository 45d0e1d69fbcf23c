import { MASK } from '#kernel';
import { type InputNode, fromValue, NOWHERE } from '../input/node.js';
import { explosive } from '../expressions/explosive.js';
import { derivedName } from '../compile/names.js';
import { isMask } from '../secrets/secret.js';
import { type Expression, Place, type Finding, type Reading } from '../schema/schema.js';
import { showPath } from '../mistakes.js';
import { type Entity, type EntityKind, KINDS } from './kinds.js';

/** What is wrong with an entity, and where in it. */
export interface EntityMistake {
  readonly path: string;
  readonly message: string;
}

export interface ReadEntity {
  /** As the configuration declares it. */
  readonly value: unknown;
  readonly mistakes: readonly EntityMistake[];
  /** Texts in it that must not be shown. */
  readonly secrets: ReadonlySet<string>;
  readonly expressions: readonly Expression[];
}

/** Entities never change, so each is read once. */
const known = new WeakMap<Entity, ReadEntity>();

/** By the schema that the file is read by. What it names on this machine is not looked at: its author is not at this machine. */
export function readEntity(entity: Entity): ReadEntity {
  const before = known.get(entity);
  if (before !== undefined) return before;
  const { kind, name, spec } = entity;
  const reading: Reading = {
    mistakes: [],
    warnings: [],
    secrets: NO_FILES,
    revealed: new Set(),
    expressions: [],
  };
  const node = fromValue({ name, ...spec });
  const value = KINDS[kind].schema.read(node, new Place([], node.origin, reading));
  const read = {
    value,
    mistakes: reading.mistakes.map(said),
    secrets: reading.revealed,
    expressions: reading.expressions,
  };
  known.set(entity, read);
  return read;
}

/** What is wrong with the regular expressions of each, in their order; looking at them takes its time. */
export async function examineEntities(entities: readonly Entity[]): Promise<readonly (readonly EntityMistake[])[]> {
  // All at once, for one start of the analysis: each is then only asked for its verdict.
  await explosive(entities.flatMap((entity) => readEntity(entity).expressions));
  return await Promise.all(entities.map(async (entity) => (await explosive(readEntity(entity).expressions)).map(said)));
}

/** An expression, and where it stands. */
interface Placed {
  readonly entity: string;
  readonly path: string;
  readonly source: string;
}

/** Somebody waits for the answer. What was looked at until then is known the next time. */
const PATIENCE = { time: 10_000, all: 30_000 };

/** What is wrong with each of these that a client could keep the process busy with. */
export async function examineExpressions(expressions: readonly Placed[]): Promise<readonly EntityMistake[]> {
  const placed = expressions.map(({ entity, path, source }) => ({
    path: [`${entity}: ${path}`],
    source,
    origin: NOWHERE,
  }));
  const found = await explosive(placed, PATIENCE, 'document');
  return found.map((finding) => ({ ...said(finding), path: String(finding.path[0]) }));
}

const NO_FILES = {
  file: () => ({ problem: 'files are named in the configuration file only' }),
  decrypt: () => ({
    problem:
      'encrypted values stand in the configuration file only; one of the database cannot be read here: AEGIS_SECRET_KEY is missing or another',
  }),
};

export function said({ path, message, hint, allowed }: Omit<Finding, 'origin'>): EntityMistake {
  const more = hint ?? (allowed === undefined ? undefined : `allowed: ${allowed}`);
  return { path: showPath(path), message: more === undefined ? message : `${message} (${more})` };
}

/** Whether a mask stands in it somewhere. */
export function hasMask(value: unknown): boolean {
  if (typeof value === 'string') return isMask(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasMask);
}

/** As it was written, but for what must not be shown. */
export function maskedSpec(entity: Entity): Readonly<Record<string, unknown>> {
  const { secrets } = readEntity(entity);
  return secrets.size === 0 ? entity.spec : (masked(entity.spec, secrets) as Record<string, unknown>);
}

function masked(value: unknown, secrets: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((child) => masked(child, secrets));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, masked(child, secrets)]));
  }
  return secrets.has(String(value)) ? MASK : value;
}

/** Puts back what was masked when somebody read it, where it stands at the same place still. */
export function unmasked(spec: unknown, stored: unknown): unknown {
  if (typeof spec === 'string' && isMask(spec) && (typeof stored === 'string' || typeof stored === 'number')) {
    return stored;
  }
  if (Array.isArray(spec)) {
    return spec.map((child: unknown, index) => unmasked(child, Array.isArray(stored) ? stored[index] : undefined));
  }
  if (typeof spec !== 'object' || spec === null) return spec;
  const before = (typeof stored === 'object' && stored !== null ? stored : {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(spec).map(([key, child]) => [
      key,
      unmasked(child, Object.hasOwn(before, key) ? before[key] : undefined),
    ]),
  );
}

/** Everything said out, in one order, but for secrets: the same for what reads the same. */
export function shownMeaning(kind: EntityKind, value: unknown): string {
  return JSON.stringify(KINDS[kind].schema.write(value, { terse: false, secret: () => MASK }));
}

/** Everything, secrets too: only to be compared. */
export function wholeMeaning(kind: EntityKind, value: unknown): string {
  return JSON.stringify(KINDS[kind].schema.write(value, { terse: false, secret: (secret) => secret.reveal() }));
}

/** A name for one that was given none, as the file would derive it. */
export function nameForEntity(
  kind: EntityKind,
  spec: Readonly<Record<string, unknown>>,
  taken: Set<string>,
): string | undefined {
  if (kind !== 'routes' && kind !== 'rate-limit-rules') return undefined;
  const { value } = readEntity({ kind, name: 'unnamed', spec });
  const { path } = value as { readonly path: string | { readonly value: string } };
  return derivedName(typeof path === 'string' ? path : path.value, taken);
}

/** What a piece of a document says, as plain values. */
export function plainValue(node: InputNode): unknown {
  if (node.kind === 'list') return node.items.map(plainValue);
  if (node.kind === 'scalar') return node.value;
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plainValue(value)]));
}
