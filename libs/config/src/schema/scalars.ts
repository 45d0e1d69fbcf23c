import { formatDuration, formatSize, MASK, parseDuration, parseSize } from '#kernel';
import { type InputNode, type ScalarNode } from '../input/node.js';
import { nearest } from './nearest.js';
import { type JsonSchema, type Place, Schema } from './schema.js';

const FROM_ENVIRONMENT: JsonSchema = { $ref: '#/$defs/environment' };

/** What was found, for a message: short, and never the inside of a collection. */
export function found(node: InputNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a map';
  if (node.via !== null) return `the value of ${node.via}`;
  if (node.value === null) return 'nothing';
  const source = node.source.replace(/(:\/\/[^\s:/@]*:)[^\s/]+@/, `$1${MASK}@`);
  const text = source.length > 60 ? `${source.slice(0, 57)}…` : source;
  return typeof node.value === 'string' ? JSON.stringify(text) : text;
}

interface TextOptions {
  readonly words?: string;
  /** What is wrong with it, or undefined. */
  readonly check?: (text: string) => string | undefined;
  readonly allowed?: string;
  readonly pattern?: string;
  readonly format?: string;
  readonly empty?: boolean;
}

class Text extends Schema<string> {
  readonly blank = '';
  readonly words: string;

  constructor(private readonly options: TextOptions) {
    super();
    this.words = options.words ?? 'text';
  }

  read(node: InputNode, place: Place): string {
    const { check, allowed } = this.options;
    const more = { allowed: allowed ?? this.words };
    if (node.kind !== 'scalar' || node.value === null) {
      place.wrong(`${found(node)} is not ${aWord(this.words)}`, more);
      return '';
    }
    const text = typeof node.value === 'string' ? node.value : node.source;
    const problem =
      text === '' && this.options.empty !== true
        ? 'it is empty'
        : (check?.(text) ?? (text.includes('\0') ? 'it contains a NUL character' : undefined));
    if (problem === undefined) return text;
    place.wrong(`${found(node)}: ${problem}`, allowed === undefined ? {} : more);
    return '';
  }

  write(value: string): unknown {
    return value;
  }

  json(): JsonSchema {
    const { pattern, format, empty } = this.options;
    return {
      type: ['string', 'number', 'boolean'],
      ...(empty !== true && pattern === undefined && { minLength: 1 }),
      ...(pattern !== undefined && { pattern: `${pattern}|\\$\\{` }),
      ...(format !== undefined && { format }),
    };
  }
}

export function text(options: TextOptions = {}): Schema<string> {
  return new Text(options);
}

/** A text that stands for a value: a duration, a size, a percentage. */
class Written<T> extends Schema<T> {
  constructor(
    readonly words: string,
    readonly blank: T,
    private readonly how: {
      readonly parse: (text: string) => T | undefined;
      readonly format: (value: T) => unknown;
      readonly check?: ((value: T) => string | undefined) | undefined;
      readonly allowed: string;
      readonly json: JsonSchema;
    },
  ) {
    super();
  }

  read(node: InputNode, place: Place): T {
    const { parse, check, allowed } = this.how;
    const value = node.kind === 'scalar' && node.value !== null ? parse(node.source.trim()) : undefined;
    if (value === undefined) {
      place.wrong(`${found(node)} is not ${aWord(this.words)}`, { allowed });
      return this.blank;
    }
    const problem = check?.(value);
    if (problem === undefined) return value;
    place.wrong(`${found(node)}: ${problem}`);
    return this.blank;
  }

  write(value: T): unknown {
    return this.how.format(value);
  }

  json(): JsonSchema {
    return this.how.json;
  }
}

interface Range {
  readonly min?: number;
  readonly max?: number;
}

function outside({ min, max }: Range, show: (value: number) => string) {
  return (value: number): string | undefined => {
    if (min !== undefined && value < min) return `it must be at least ${show(min)}`;
    if (max !== undefined && value > max) return `it must be at most ${show(max)}`;
    return undefined;
  };
}

/** The longest that a Node timer can wait. */
const LONGEST = 2_147_483_647;

/** Milliseconds. */
export function duration(range: Range = {}): Schema<number> {
  return new Written('duration', 0, {
    // `0` needs no unit.
    parse: (text) => (text === '0' ? 0 : parseDuration(text)),
    format: formatDuration,
    check: outside(range, formatDuration),
    allowed: 'a number with ms, s, m, h or d, such as 250ms, 10s or 5m',
    json: { type: ['string', 'integer'], pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$|^0$|\\$\\{', maximum: 0 },
  });
}

/** A duration that some timer waits for. */
export function wait(range: Range = { min: 1 }): Schema<number> {
  return duration({ max: LONGEST, ...range });
}

/** The same, or one of these words. */
export function waitOr<const W extends string>(words: readonly W[], range: Range): Schema<number | W> {
  const time = wait(range);
  const isWord = (text: unknown): text is W => words.some((word) => word === text);
  const allowed = `a duration such as 10s or 1h, or ${words.join(' or ')}`;
  const check = outside({ max: LONGEST, ...range }, formatDuration);
  return new Written<number | W>('duration', 0, {
    parse: (text) => (isWord(text) ? text : parseDuration(text)),
    format: (value) => (typeof value === 'number' ? formatDuration(value) : value),
    check: (value) => (typeof value === 'number' ? check(value) : undefined),
    allowed,
    json: { anyOf: [{ enum: [...words] }, time.json()] },
  });
}

/** Bytes. */
export function size(range: Range = {}): Schema<number> {
  return new Written('size', 0, {
    parse: (text) => (text === '0' ? 0 : parseSize(text)),
    format: formatSize,
    check: outside(range, formatSize),
    allowed: 'a number with b, kb, mb or gb, such as 16kb or 10mb',
    json: { type: ['string', 'integer'], pattern: '^\\d+(\\.\\d+)?([bB]|[kKmMgG][bB])$|^0$|\\$\\{', maximum: 0 },
  });
}

const PERCENTAGE = /^(\d+(?:\.\d+)?)%$/;

/** A share: 0 to 1. */
export function percentage(range: Range = {}): Schema<number> {
  return new Written('percentage', 0, {
    parse: (text) => {
      const match = PERCENTAGE.exec(text);
      return match ? Number(match[1]) / 100 : undefined;
    },
    format: formatPercentage,
    check: outside({ min: 0, max: 1, ...range }, formatPercentage),
    allowed: 'a number from 0 to 100 with a percent sign, such as 20%',
    json: { type: 'string', pattern: '^\\d+(\\.\\d+)?%$|\\$\\{' },
  });
}

/** Twelve digits are more than anyone writes, and hide that 0.07 × 100 is 7.000000000000001. */
export function formatPercentage(share: number): string {
  return `${Number((share * 100).toPrecision(12))}%`;
}

function numberOf(node: InputNode): number | undefined {
  if (node.kind !== 'scalar') return undefined;
  if (typeof node.value === 'number') return node.value;
  return node.via !== null && /^[+-]?\d+(\.\d+)?$/.test(node.source) ? Number(node.source) : undefined;
}

class Num extends Schema<number> {
  readonly blank: number;
  readonly words: string;

  constructor(
    private readonly range: Range,
    private readonly whole: boolean,
  ) {
    super();
    this.words = whole ? 'whole number' : 'number';
    this.blank = range.min ?? 0;
  }

  read(node: InputNode, place: Place): number {
    const value = numberOf(node);
    const allowed = this.bounds;
    if (value === undefined || !Number.isFinite(value) || (this.whole && !Number.isSafeInteger(value))) {
      const quoted = node.kind === 'scalar' && typeof node.value === 'string' && /^\d+$/.test(node.value);
      place.wrong(`${found(node)} is not a ${this.words}`, {
        allowed,
        ...(quoted && { hint: 'leave out the quotes' }),
      });
      return this.blank;
    }
    const { min = -Infinity, max = Infinity } = this.range;
    if (value >= min && value <= max) return value;
    place.wrong(`${found(node)} is out of range`, { allowed });
    return this.blank;
  }

  write(value: number): unknown {
    return value;
  }

  private get bounds(): string {
    const { min, max } = this.range;
    if (min !== undefined && max !== undefined) return `a ${this.words} from ${min} to ${max}`;
    return min === undefined ? `a ${this.words}` : `a ${this.words}, at least ${min}`;
  }

  json(): JsonSchema {
    const { min, max } = this.range;
    const number = {
      type: this.whole ? 'integer' : 'number',
      ...(min !== undefined && { minimum: min }),
      ...(max !== undefined && { maximum: max }),
    };
    return { anyOf: [number, FROM_ENVIRONMENT] };
  }
}

export function integer(range: Range = {}): Schema<number> {
  return new Num(range, true);
}

export function number(range: Range = {}): Schema<number> {
  return new Num(range, false);
}

const YES = new Set(['true', 'on', 'yes']);
const NO = new Set(['false', 'off', 'no']);

/** true, false or undefined; `on` and `off` are words in YAML 1.2 and booleans in 1.1: here they are the same. */
export function truth(node: ScalarNode): boolean | undefined {
  if (typeof node.value === 'boolean') return node.value;
  if (typeof node.value !== 'string') return undefined;
  const word = node.value.toLowerCase();
  return YES.has(word) ? true : NO.has(word) ? false : undefined;
}

class Bool extends Schema<boolean> {
  readonly blank = false;
  readonly words = 'true or false';

  read(node: InputNode, place: Place): boolean {
    const value = node.kind === 'scalar' ? truth(node) : undefined;
    if (value === undefined) place.wrong(`${found(node)} is neither true nor false`, { allowed: 'true or false' });
    return value ?? false;
  }

  write(value: boolean): unknown {
    return value;
  }

  json(): JsonSchema {
    return { anyOf: [{ enum: [true, false, 'on', 'off', 'yes', 'no'] }, FROM_ENVIRONMENT] };
  }
}

export function boolean(): Schema<boolean> {
  return new Bool();
}

class Word<T extends string> extends Schema<T> {
  readonly blank: T;
  readonly words: string;

  constructor(private readonly choices: readonly [T, ...T[]]) {
    super();
    this.blank = choices[0];
    this.words = choices.join(' | ');
  }

  read(node: InputNode, place: Place): T {
    const written = node.kind === 'scalar' ? node.source : undefined;
    const exact = this.choices.find((choice) => choice.toLowerCase() === written?.toLowerCase());
    if (exact !== undefined) return exact;
    const near = written === undefined ? undefined : nearest(written, this.choices);
    place.wrong(`${found(node)} is not known here`, {
      allowed: this.choices.join(', '),
      ...(near !== undefined && { hint: `did you mean ${near}?` }),
    });
    return this.blank;
  }

  write(value: T): unknown {
    return value;
  }

  json(): JsonSchema {
    return { anyOf: [{ enum: this.choices }, FROM_ENVIRONMENT] };
  }
}

/** One of a few words, in any case. */
export function word<const T extends string>(...choices: readonly [T, ...T[]]): Schema<T> {
  return new Word(choices);
}

export function aWord(words: string): string {
  return /^[aeiou]/i.test(words) && !/^(one|use|url)/i.test(words) ? `an ${words}` : `a ${words}`;
}
