import { type InputNode, type Origin } from '../input/node.js';
import { type Secret } from '../secrets/secret.js';
import { type SecretSource } from '../secrets/secret-source.js';

/** A regular expression that will be tried on what clients send. */
export type Expression = Pick<Finding, 'path' | 'origin'> & { readonly source: string };

export type Path = readonly (string | number)[];

/** One mistake, where it stands not yet turned into line and column. */
export interface Finding {
  readonly path: Path;
  readonly origin: Origin;
  /** What is wrong, as a sentence that names what was found. */
  readonly message: string;
  /** What may stand there. */
  readonly allowed?: string;
  /** What to do, or the nearest known name. */
  readonly hint?: string;
  /** It stands at a key that is not known. */
  readonly stray?: boolean;
}

/** What reading a tree needs and yields beside the value. */
export interface Reading {
  readonly mistakes: Finding[];
  readonly warnings: Finding[];
  readonly secrets: SecretSource;
  /** What must not appear in a message or an excerpt of the file. */
  readonly revealed: Set<string>;
  /** Regular expressions that compile, and that nobody knows yet to be harmless. */
  readonly expressions: Expression[];
  /** Masks may stand for secrets: whoever reads it knows them, or hands it to who does. Default: they are mistakes. */
  readonly takesMasks?: boolean;
}

/** A spot in the tree while it is read: knows its path, and takes complaints. */
export class Place {
  constructor(
    readonly path: Path,
    readonly origin: Origin,
    readonly reading: Reading,
  ) {}

  down(key: string | number, origin: Origin): Place {
    return new Place([...this.path, key], origin, this.reading);
  }

  wrong(message: string, more: Pick<Finding, 'allowed' | 'hint' | 'stray'> = {}): void {
    this.reading.mistakes.push({ path: this.path, origin: this.origin, message, ...more });
  }

  regex(source: string): void {
    this.reading.expressions.push({ path: this.path, origin: this.origin, source });
  }

  warn(message: string, hint?: string): void {
    this.reading.warnings.push({ path: this.path, origin: this.origin, message, ...(hint !== undefined && { hint }) });
  }
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Writing {
  /** Leave out what equals its default. */
  readonly terse: boolean;
  /** How a secret appears. */
  readonly secret: (secret: Secret) => unknown;
}

/**
 * One description that reads (with complaints instead of exceptions), writes back, and documents itself. `read` always
 * yields a value, a blank one where the input is wrong, so that one mistake never hides the next and the checks across
 * sections run on whatever else was right.
 */
export abstract class Schema<T> {
  abstract readonly blank: T;
  /** In words, for messages and the reference: "duration", "list of CIDR". */
  abstract readonly words: string;
  abstract read(node: InputNode, place: Place): T;
  /** Back to what could stand in the file. */
  abstract write(value: T, writing: Writing): unknown;
  abstract json(): JsonSchema;

  /** What lies below, for environment overrides and the reference. */
  child?(key: string): Schema<unknown> | undefined;
  /** The known names below; undefined when there are none to choose from. */
  get keys(): readonly string[] | undefined {
    return undefined;
  }
  /** The parts that the reference shows as rows of their own, with what their path adds to this one's. */
  parts(): readonly Part[] {
    return [];
  }

  to<U>(convert: (value: T, place: Place) => U, back: (value: U) => T): Schema<U> {
    return new Converted(this, convert, back);
  }
}

export interface Part {
  readonly suffix: string;
  readonly schema: Schema<unknown>;
  readonly field?: FieldInfo;
}

export interface FieldInfo {
  readonly doc: string;
  readonly example?: unknown;
  readonly presence: 'required' | 'optional' | 'default';
  readonly default?: unknown;
}

/** What a schema yields. */
export type Out<S> = S extends Schema<infer T> ? T : never;

class Converted<T, U> extends Schema<U> {
  constructor(
    private readonly inner: Schema<T>,
    private readonly convert: (value: T, place: Place) => U,
    private readonly back: (value: U) => T,
  ) {
    super();
  }
  get blank(): U {
    return this.convert(this.inner.blank, silent());
  }
  get words(): string {
    return this.inner.words;
  }
  read(node: InputNode, place: Place): U {
    const before = place.reading.mistakes.length;
    const value = this.inner.read(node, place);
    // What is wrong already would only be complained about twice.
    return this.convert(value, place.reading.mistakes.length === before ? place : silent(place));
  }
  write(value: U, writing: Writing): unknown {
    return this.inner.write(this.back(value), writing);
  }
  json(): JsonSchema {
    return this.inner.json();
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

/** A place whose complaints go nowhere. */
export function silent(place?: Place): Place {
  const reading: Reading = {
    mistakes: [],
    warnings: [],
    revealed: new Set(),
    expressions: [],
    secrets: place?.reading.secrets ?? { file: () => ({ text: '' }), decrypt: () => ({ text: '' }) },
  };
  return new Place(place?.path ?? [], place?.origin ?? { kind: 'nowhere' }, reading);
}
