import { type InputNode, isNothing } from '../input/node.js';
import { nearest } from './nearest.js';
import { aWord, found, truth } from './scalars.js';
import { type JsonSchema, type Out, type Part, type Place, Schema, type Writing } from './schema.js';

class OrOff<T, O> extends Schema<T | O> {
  constructor(
    private readonly inner: Schema<T>,
    private readonly off: O,
  ) {
    super();
  }

  get blank(): T | O {
    return this.off;
  }

  get words(): string {
    return `${this.inner.words}, or off`;
  }

  read(node: InputNode, place: Place): T | O {
    const said = node.kind === 'scalar' ? truth(node) : undefined;
    if (said === false) return this.off;
    // `on` is everything as it is by default.
    if (said === true && this.inner.keys !== undefined) {
      return this.inner.read({ kind: 'map', entries: new Map(), origin: node.origin }, place);
    }
    return this.inner.read(node, place);
  }

  write(value: T | O, writing: Writing): unknown {
    return value === this.off ? 'off' : this.inner.write(value as T, writing);
  }

  json(): JsonSchema {
    const words = this.inner.keys === undefined ? [false, 'off', 'no'] : [false, 'off', 'no', true, 'on', 'yes'];
    return { anyOf: [{ enum: words }, this.inner.json()] };
  }

  override child(key: string): Schema<unknown> | undefined {
    return this.inner.child?.(key);
  }

  override get keys(): readonly string[] | undefined {
    return this.inner.keys;
  }

  override parts(): readonly Part[] {
    return this.inner.parts();
  }
}

/** null when it is switched off. */
export function orOff<T>(schema: Schema<T>): Schema<T | null> {
  return new OrOff(schema, null);
}

/** For overrides, where null already means "not said": `'off'` when it is switched off. */
export function orSaidOff<T>(schema: Schema<T>): Schema<T | 'off'> {
  return new OrOff(schema, 'off' as const);
}

interface Forms {
  readonly text?: Schema<unknown>;
  readonly number?: Schema<unknown>;
  readonly boolean?: Schema<unknown>;
  readonly list?: Schema<unknown>;
  readonly map?: Schema<unknown>;
}
type Form = keyof Forms;

class FormsSchema<F extends Forms> extends Schema<Out<F[keyof F]>> {
  private readonly schemas: readonly Schema<unknown>[];

  constructor(
    private readonly forms: F,
    private readonly formOf: (value: Out<F[keyof F]>) => keyof F,
    private readonly named?: string,
  ) {
    super();
    this.schemas = Object.values(forms) as Schema<unknown>[];
  }

  get blank(): Out<F[keyof F]> {
    return this.schemas[0]?.blank as Out<F[keyof F]>;
  }

  get words(): string {
    return this.named ?? this.schemas.map((schema) => schema.words).join(', or ');
  }

  read(node: InputNode, place: Place): Out<F[keyof F]> {
    const schema = this.schemaFor(node);
    if (schema !== undefined) return schema.read(node, place) as Out<F[keyof F]>;
    place.wrong(`${found(node)} is not ${aWord(this.words)}`, { allowed: this.words });
    return this.blank;
  }

  private schemaFor(node: InputNode): Schema<unknown> | undefined {
    const { text, number, boolean, list, map }: Forms = this.forms;
    if (node.kind === 'list') return list;
    if (node.kind === 'map') return map;
    if (node.value === null) return undefined;
    if (boolean !== undefined && truth(node) !== undefined) return boolean;
    if (number !== undefined && (typeof node.value === 'number' || (node.via !== null && /^\d+$/.test(node.source)))) {
      return number;
    }
    return text;
  }

  write(value: Out<F[keyof F]>, writing: Writing): unknown {
    return (this.forms as Forms)[this.formOf(value) as Form]?.write(value, writing);
  }

  json(): JsonSchema {
    return { anyOf: this.schemas.map((schema) => schema.json()) };
  }

  override child(key: string): Schema<unknown> | undefined {
    const { list, map }: Forms = this.forms;
    return map?.child?.(key) ?? list?.child?.(key);
  }

  override get keys(): readonly string[] | undefined {
    return (this.forms as Forms).map?.keys;
  }

  override parts(): readonly Part[] {
    return this.schemas.flatMap((schema) => schema.parts());
  }
}

/**
 * A value with several ways to write it, told apart by what YAML sees (text, list, map …), so that a mistake inside one of
 * them is reported as such and never as "matches none of five alternatives".
 */
export function forms<const F extends Forms>(
  choices: F,
  formOf: (value: Out<F[keyof F]>) => keyof F,
  words?: string,
): Schema<Out<F[keyof F]>> {
  return new FormsSchema(choices, formOf, words);
}

type Kinds = Readonly<Record<string, Schema<unknown>>>;
type Kinded<C extends Kinds> = { [K in keyof C]: { readonly kind: K; readonly value: Out<C[K]> } }[keyof C];

class OneKey<C extends Kinds> extends Schema<Kinded<C>> {
  constructor(private readonly choices: C) {
    super();
  }

  get blank(): Kinded<C> {
    const [kind, schema] = Object.entries(this.choices)[0] ?? ['', undefined];
    return { kind, value: schema?.blank } as Kinded<C>;
  }

  get words(): string {
    return this.keys.map((key) => `{ ${key}: … }`).join(' or ');
  }

  read(node: InputNode, place: Place): Kinded<C> {
    if (node.kind !== 'map' || isNothing(node)) {
      place.wrong(`${found(node)} stands where a map is expected`, { allowed: this.words });
      return this.blank;
    }
    const [first, ...others] = node.entries;
    for (const [key, entry] of node.entries) {
      if (Object.hasOwn(this.choices, key)) continue;
      const near = nearest(key, this.keys);
      place.down(key, entry.key).wrong(`unknown key ${JSON.stringify(key)}`, {
        stray: true,
        allowed: this.words,
        ...(near !== undefined && { hint: `did you mean ${near}?` }),
      });
      return this.blank;
    }
    if (first === undefined || others.length > 0) {
      place.wrong('exactly one of these is needed', { allowed: this.words });
      return this.blank;
    }
    const [kind, { value }] = first;
    return { kind, value: this.choices[kind]?.read(value, place.down(kind, value.origin)) } as Kinded<C>;
  }

  write(value: Kinded<C>, writing: Writing): unknown {
    return { [value.kind]: this.choices[value.kind]?.write(value.value, writing) };
  }

  json(): JsonSchema {
    return {
      anyOf: Object.entries(this.choices).map(([key, schema]) => ({
        type: 'object',
        properties: { [key]: schema.json() },
        required: [key],
        additionalProperties: false,
      })),
    };
  }

  override child(key: string): Schema<unknown> | undefined {
    return Object.hasOwn(this.choices, key) ? this.choices[key] : undefined;
  }

  override get keys(): readonly string[] {
    return Object.keys(this.choices);
  }
}

/** A map with exactly one of these keys. */
export function oneKey<const C extends Kinds>(choices: C): Schema<Kinded<C>> {
  return new OneKey(choices);
}
