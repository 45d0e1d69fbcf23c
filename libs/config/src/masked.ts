import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { type Config } from './compile/config.js';
import { escapeReferences } from './input/substitute.js';
import { consumer } from './model/auth.js';
import { route } from './model/route.js';
import { type Schema } from './schema/schema.js';
import { type Declared, root } from './model/root.js';
import { type Secret } from './secrets/secret.js';

interface Masked {
  /** Leave out what is as it would be anyway. Default: false. */
  readonly terse?: boolean;
  /** For where `${NAME}` is plain text, as in JSON of the admin API; a file would take it for a reference. Default: false. */
  readonly plain?: boolean;
}

/**
 * What runs, as it could stand in a file: durations as text again, shorthands short, and secrets as the references that
 * they were given as, or masked.
 */
export function maskedConfig({ declared }: Config, { terse = false, plain = false }: Masked = {}): unknown {
  const written = root.write(declared, { terse, secret: shown });
  return plain ? written : escaped(written);
}

export function maskedYaml(config: Config, options: Masked = {}): string {
  return stringify(maskedConfig(config, options), { lineWidth: 120, aliasDuplicateObjects: false });
}

export function shown(secret: Secret): unknown {
  return secret.reference ?? secret.toString();
}

/** So that each text in it means itself when it is read from a file. */
export function escaped(value: unknown): unknown {
  if (typeof value === 'string') return escapeReferences(value);
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, escaped(child)]));
}

/** The same for the same configuration, however it was written down; a changed secret changes it. */
export function contentHash(declared: Declared): string {
  const { consumers } = declared.auth;
  const { routes } = declared.gateway;
  const rest = {
    ...declared,
    auth: { ...declared.auth, consumers: [] },
    gateway: { ...declared.gateway, routes: [] },
  };
  const hash = createHash('sha256').update(canonical(root.write(rest, { terse: false, secret: digestOf })));
  for (const each of consumers) hash.update(canonicalOne(each, consumer));
  hash.update('\n');
  for (const each of routes) hash.update(canonicalOne(each, route));
  return hash.digest('hex');
}

/** There may be 100,000 of them, and a change is about one: the others are the same objects, and are not written again. */
const written = new WeakMap<object, string>();

function canonicalOne<T extends object>(each: T, schema: Schema<T>): string {
  let text = written.get(each);
  if (text === undefined) {
    text = `\n${canonical(schema.write(each, { terse: false, secret: digestOf }))}`;
    written.set(each, text);
  }
  return text;
}

function digestOf(secret: Secret): string {
  return createHash('sha256').update(secret.reveal()).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${canonical(child)}`).join(',')}}`;
}
