import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadUnexamined, type LoadedConfig, type RefusedConfig } from '../src/load.js';
import { type Environment } from '../src/input/substitute.js';

/** Loads a text as if it stood in a file of its own. */
export function loadText(text: string | Uint8Array, env: Environment = {}): LoadedConfig | RefusedConfig {
  const directory = mkdtempSync(join(tmpdir(), 'aegis-config-'));
  try {
    const file = join(directory, 'aegis.yaml');
    writeFileSync(file, text);
    return loadUnexamined({ file, env, cwd: directory }).result;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export function accepted(text: string, env?: Environment): LoadedConfig {
  const result = loadText(text, env);
  if (result.ok) return result;
  throw new Error(`refused: ${result.mistakes.map(({ path, message }) => `${path}: ${message}`).join('; ')}`);
}

/** What is wrong with it, as `line:column path: message`. */
export function mistakesOf(text: string | Uint8Array, env?: Environment): readonly string[] {
  const result = loadText(text, env);
  if (result.ok) return [];
  return result.mistakes.map(
    ({ line, column, path, message }) => `${line ?? '-'}:${column ?? '-'} ${path}: ${message}`,
  );
}

/** A configuration around one section. */
export function withRoutes(routes: string, rest = ''): string {
  return `gateway:\n  routes:\n${routes.trim().replaceAll(/^/gm, '    ')}\n${rest}`;
}
