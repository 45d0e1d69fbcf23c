import { type EntityKind, KINDS } from '../entities/kinds.js';
import { type JsonSchema } from '../schema/schema.js';

/**
 * The schema of one entity as the admin API takes it: that of the file, without what only a file may say. There the
 * environment is not looked up, and neither files nor encrypted values are named.
 */
export function entitySchema(kind: EntityKind): JsonSchema {
  return withoutFile(KINDS[kind].schema.json()) as JsonSchema;
}

function withoutFile(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutFile);
  if (!isMap(value)) return value;
  const said = new Map(Object.entries(value).map(([key, child]) => [key, withoutFile(child)]));
  const examples = said.get('examples');
  if (Array.isArray(examples)) said.set('examples', examples.filter(isForBoth));
  if (Array.isArray(examples) && !examples.some(isForBoth)) said.delete('examples');
  const pattern = said.get('pattern');
  if (typeof pattern === 'string') said.set('pattern', pattern.replace(/\|\\\$\\\{$/, ''));
  const choices = said.get('anyOf');
  if (!Array.isArray(choices)) return Object.fromEntries(said);
  said.delete('anyOf');
  return Object.fromEntries([...said, ...Object.entries(joined(choices.filter(isMap)))]);
}

/** What is left of the alternatives: flat, and `null` beside the others where that says the same. */
function joined(choices: readonly Record<string, unknown>[]): Record<string, unknown> {
  const flat = choices.flatMap((choice) => {
    const inner = choice['anyOf'];
    return Object.keys(choice).length === 1 && Array.isArray(inner) ? inner.filter(isMap) : [choice];
  });
  const left = flat.filter((choice) => !isForFiles(choice));
  const others = left.filter(({ type }) => type !== 'null');
  const [only] = others;
  if (others.length === left.length) return only !== undefined && left.length === 1 ? only : { anyOf: left };
  if (only === undefined || others.length > 1) return { anyOf: left };
  if (Array.isArray(only['enum'])) return { ...only, enum: [...(only['enum'] as unknown[]), null] };
  return { ...only, type: [only['type'], 'null'].flat() };
}

function isForFiles({ $ref, properties, required }: Record<string, unknown>): boolean {
  if ($ref === '#/$defs/environment') return true;
  const [name, ...more] = isMap(properties) ? Object.keys(properties) : [];
  return more.length === 0 && (name === 'file' || name === 'encrypted') && Array.isArray(required);
}

function isForBoth(example: unknown): boolean {
  return !/"(file|encrypted)":|\$\{/.test(JSON.stringify(example));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
