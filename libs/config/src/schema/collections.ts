import { type InputNode, isNothing, type MapNode, fromValue } from '../input/node.js';
import { nearest } from './nearest.js';
import { found } from './scalars.js';
import { type FieldInfo, type JsonSchema, type Part, Place, Schema, silent, type Writing } from './schema.js';

export interface Field<T> extends FieldInfo {
  readonly schema: Schema<T>;
  readonly absent: () => T;
}

interface More {
  readonly example?: unknown;
}

export function required<T>(schema: Schema<T>, doc: string, more: More = {}): Field<T> {
  return { schema, doc, presence: 'required', absent: () => schema.blank, ...more };
}

/** null when it is left out. */
export function optional<T>(schema: Schema<T>, doc: string, more: More = {}): Field<T | null> {
  return { schema, doc, presence: 'optional', absent: () => null, ...more };
}

/** `value` is written as it would be in the file. */
export function withDefault<T>(schema: Schema<T>, value: unknown, doc: string, more: More = {}): Field<T> {
  let read: { readonly value: T } | undefined;
  const absent = (): T => (read ??= { value: readDefault(schema, value) }).value;
  return { schema, doc, presence: 'default', default: value, absent, ...more };
}

function readDefault<T>(schema: Schema<T>, value: unknown): T {
  const place = silent();
  const result = schema.read(fromValue(value), place);
  const [mistake] = place.reading.mistakes;
  if (mistake) throw new TypeError(`the default ${JSON.stringify(value)} is wrong: ${mistake.message}`);
  return result;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;
type ValuesOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

export class ObjectSchema<F extends Fields> extends Schema<ValuesOf<F>> {
  readonly words = 'map';

  constructor(readonly fields: F) {
    super();
  }

  get blank(): ValuesOf<F> {
    return this.fill((_, field) => field.absent());
  }

  read(node: InputNode, place: Place): ValuesOf<F> {
    const map = this.mapOf(node, place);
    if (map === undefined) return this.blank;
    const meant = new Set<string | undefined>();
    for (const [key, entry] of map.entries) {
      if (!Object.hasOwn(this.fields, key)) meant.add(this.unknown(key, place.down(key, entry.key)));
    }
    return this.fill((key, field) => {
      const entry = map.entries.get(key);
      if (entry !== undefined && !isNothing(entry.value)) {
        return field.schema.read(entry.value, place.down(key, entry.value.origin));
      }
      if (field.presence === 'required' && !meant.has(key)) {
        // Below a map that is empty or absent, its own place is the best one to point at.
        const missing = new Place([...place.path, key], entry?.key ?? place.origin, place.reading);
        missing.wrong('it is missing', { allowed: field.schema.words });
      }
      return field.absent();
    });
  }

  private mapOf(node: InputNode, place: Place): MapNode | undefined {
    if (node.kind === 'map') return node;
    if (isNothing(node)) return { kind: 'map', entries: new Map(), origin: node.origin };
    place.wrong(`${found(node)} stands where a map is expected`, { allowed: `a map of ${this.keys.join(', ')}` });
    return undefined;
  }

  /** Complains, and says which key was probably meant: that one is not missing as well. */
  private unknown(key: string, place: Place): string | undefined {
    const near = nearest(key, this.keys);
    place.wrong(`unknown key ${JSON.stringify(key)}`, {
      stray: true,
      allowed: this.keys.length === 0 ? 'nothing (it is an empty map)' : this.keys.join(', '),
      ...(near !== undefined && { hint: `did you mean ${near}?` }),
    });
    return near;
  }

  private fill(value: (key: string, field: Field<unknown>) => unknown): ValuesOf<F> {
    const entries = Object.entries(this.fields).map(([key, field]) => [key, value(key, field)]);
    return Object.fromEntries(entries) as ValuesOf<F>;
  }

  write(value: ValuesOf<F>, writing: Writing): unknown {
    const out: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(this.fields)) {
      const child = value[key];
      if (child === null && field.presence === 'optional') continue;
      const written = field.schema.write(child, writing);
      if (writing.terse && field.presence === 'default') {
        const usual = field.schema.write(field.absent(), writing);
        if (JSON.stringify(written) === JSON.stringify(usual)) continue;
      }
      out[key] = written;
    }
    return out;
  }

  json(): JsonSchema {
    const properties: Record<string, unknown> = {};
    const required: string[] = [];
    for (const [key, field] of Object.entries(this.fields)) {
      properties[key] = {
        description: field.doc,
        ...(field.presence === 'default' && { default: field.default }),
        ...(field.example !== undefined && { examples: [field.example] }),
        ...nullable(field),
      };
      if (field.presence === 'required') required.push(key);
    }
    return { type: 'object', properties, additionalProperties: false, ...(required.length > 0 && { required }) };
  }

  override child(key: string): Schema<unknown> | undefined {
    return Object.hasOwn(this.fields, key) ? this.fields[key]?.schema : undefined;
  }

  override get keys(): readonly string[] {
    return Object.keys(this.fields);
  }

  override parts(): readonly Part[] {
    return Object.entries(this.fields).map(([key, field]) => ({ suffix: `.${key}`, schema: field.schema, field }));
  }
}

/** Nothing after a key means "as if it were left out". */
function nullable(field: Field<unknown>): JsonSchema {
  const json = field.schema.json();
  return field.presence === 'required' ? json : { anyOf: [json, { type: 'null' }] };
}

export function object<F extends Fields>(fields: F): ObjectSchema<F> {
  return new ObjectSchema(fields);
}

type Overrides<F extends Fields> = { readonly [K in keyof F]: Field<ValueOf<F[K]> | null> };

/** The same keys, none of them needed; what is left out is null and taken from where the doc says. */
export function overrides<F extends Fields>(schema: ObjectSchema<F>): ObjectSchema<Overrides<F>> {
  const entries = Object.entries(schema.fields).map(([key, { schema: inner, doc, example }]) => [
    key,
    optional(inner, doc, { example }),
  ]);
  return new ObjectSchema(Object.fromEntries(entries) as Overrides<F>);
}

interface ListOptions {
  readonly min?: number;
  /** A lone value counts as a list of one. */
  readonly orOne?: boolean;
}

class ListSchema<T> extends Schema<readonly T[]> {
  readonly blank: readonly T[] = [];
  readonly words: string;

  constructor(
    private readonly item: Schema<T>,
    private readonly options: ListOptions,
  ) {
    super();
    this.words = options.orOne === true ? `${item.words}, or a list of them` : `list of ${plural(item.words)}`;
  }

  read(node: InputNode, place: Place): readonly T[] {
    if (node.kind !== 'list' && this.options.orOne === true && !isNothing(node)) {
      return [this.item.read(node, place)];
    }
    if (node.kind !== 'list') {
      place.wrong(`${found(node)} stands where a list is expected`, {
        allowed: this.words,
        ...(node.kind === 'scalar' && { hint: `write it in brackets: [${node.source.slice(0, 60)}]` }),
      });
      return [];
    }
    const { min = 0 } = this.options;
    if (node.items.length < min) place.wrong(`the list needs at least ${min === 1 ? 'one entry' : `${min} entries`}`);
    return node.items.map((child, index) => this.item.read(child, place.down(index, child.origin)));
  }

  write(value: readonly T[], writing: Writing): unknown {
    return value.map((item) => this.item.write(item, writing));
  }

  json(): JsonSchema {
    const { min, orOne } = this.options;
    const item = this.item.json();
    const list = { type: 'array', items: item, ...(min !== undefined && { minItems: min }) };
    return orOne === true ? { anyOf: [item, list] } : list;
  }

  override child(key: string): Schema<unknown> | undefined {
    if (/^\d+$/.test(key)) return this.item;
    return this.options.orOne === true ? this.item.child?.(key) : undefined;
  }

  override get keys(): readonly string[] | undefined {
    return this.options.orOne === true ? this.item.keys : undefined;
  }

  override parts(): readonly Part[] {
    return this.item.parts().length === 0 ? [] : [{ suffix: '[]', schema: this.item }];
  }
}

function plural(words: string): string {
  return /^[\w -]+[a-z]$/i.test(words) ? `${words}s` : `(${words})`;
}

export function list<T>(item: Schema<T>, options: ListOptions = {}): Schema<readonly T[]> {
  return new ListSchema(item, options);
}

interface RecordOptions<T> {
  /** What is wrong with a name, or undefined. */
  readonly check?: (key: string) => string | undefined;
  readonly lowerCase?: boolean;
  readonly of?: string;
  /** Another schema for the value of this name. */
  readonly schemaFor?: (key: string) => Schema<T> | undefined;
}

class RecordSchema<T> extends Schema<Readonly<Record<string, T>>> {
  readonly blank: Readonly<Record<string, T>> = {};
  readonly words: string;

  constructor(
    private readonly value: Schema<T>,
    private readonly options: RecordOptions<T>,
  ) {
    super();
    this.words = `map of ${options.of ?? 'name'} to ${value.words}`;
  }

  read(node: InputNode, place: Place): Readonly<Record<string, T>> {
    if (isNothing(node)) return {};
    if (node.kind !== 'map') {
      place.wrong(`${found(node)} stands where a map is expected`, { allowed: this.words });
      return {};
    }
    const { check, lowerCase } = this.options;
    const out = new Map<string, T>();
    for (const [key, entry] of node.entries) {
      const at = place.down(key, entry.key);
      const problem = key === '' ? 'the name is empty' : check?.(key);
      const name = lowerCase === true ? key.toLowerCase() : key;
      if (problem !== undefined) at.wrong(`${JSON.stringify(key)}: ${problem}`);
      else if (out.has(name)) at.wrong(`${JSON.stringify(name)} stands there twice`);
      else out.set(name, this.schemaOf(name).read(entry.value, place.down(key, entry.value.origin)));
    }
    return Object.fromEntries(out);
  }

  write(value: Readonly<Record<string, T>>, writing: Writing): unknown {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, this.schemaOf(key).write(child, writing)]),
    );
  }

  json(): JsonSchema {
    return { type: 'object', additionalProperties: this.value.json() };
  }

  private schemaOf(name: string): Schema<T> {
    return this.options.schemaFor?.(name) ?? this.value;
  }

  override child(): Schema<unknown> {
    return this.value;
  }

  override parts(): readonly Part[] {
    return this.value.parts().length === 0 ? [] : [{ suffix: '.NAME', schema: this.value }];
  }
}

export function record<T>(value: Schema<T>, options: RecordOptions<T> = {}): Schema<Readonly<Record<string, T>>> {
  return new RecordSchema(value, options);
}
