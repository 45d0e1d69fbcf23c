import { remembered } from '../transform/remembered.js';

/** So long that nobody means it: 68 years. */
const LONGEST_SECONDS = 2 ** 31;

/**
 * The directives of a `Cache-Control` field (RFC 9111, 5.2). What contradicts itself or cannot be read is taken for its
 * cautious meaning: of two ages the smaller, of one that is no number 0.
 */
export class Directives {
  constructor(private readonly values: ReadonlyMap<string, readonly (string | null)[]>) {}

  has(name: string): boolean {
    return this.values.has(name);
  }

  /** Milliseconds; null: not said. `bare`: what it means without a value. */
  time(name: string, bare = 0): number | null {
    const said = this.values.get(name);
    if (said === undefined) return null;
    return Math.min(...said.map((value) => (value === null ? bare : seconds(value) * 1000)));
  }
}

/** `field`: all fields of that name, joined by commas. */
export const directives = remembered(512, (field: string): Directives => {
  const values = new Map<string, (string | null)[]>();
  for (const [, name = '', quoted, plain] of field.matchAll(DIRECTIVE)) {
    const key = name.toLowerCase();
    const value = quoted === undefined ? (plain ?? null) : quoted.replace(/\\(.)/g, '$1');
    const said = values.get(key);
    if (said === undefined) values.set(key, [value]);
    else said.push(value);
  }
  return new Directives(values);
});

const DIRECTIVE = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^,;"]*)))?[^,"]*/g;

function seconds(value: string): number {
  const text = value.trim();
  return /^\d+$/.test(text) ? Math.min(Number(text), LONGEST_SECONDS) : 0;
}
