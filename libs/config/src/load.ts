import { readFileSync, statSync } from 'node:fs';
import { formatSize } from '#kernel';
import { Checks, type Remark } from './compile/checks.js';
import { compile } from './compile/compile.js';
import { type Config } from './compile/config.js';
import { codeOf, Files, type Places, unreadable } from './files.js';
import { deepFreeze } from './freeze.js';
import { explosive } from './expressions/explosive.js';
import { Lines } from './input/lines.js';
import { type InputNode, type Origin, scalar } from './input/node.js';
import { applyOverrides } from './input/overrides.js';
import { type Environment } from './input/substitute.js';
import { readYaml } from './input/yaml.js';
import { contentHash } from './masked.js';
import { Locator, type Mistake } from './mistakes.js';
import { root } from './model/root.js';
import { type Expression, type Finding, type Path, Place, type Reading } from './schema/schema.js';

interface Found {
  readonly warnings: readonly Mistake[];
  /** Every file that the configuration was read from, absolute: the file itself and those that secrets name. */
  readonly files: readonly string[];
}

export interface LoadedConfig extends Found {
  readonly ok: true;
  readonly config: Config;
  /** SHA-256 of the content, secrets included, in hexadecimal. */
  readonly hash: string;
}

export interface RefusedConfig extends Found {
  readonly ok: false;
  /** All of them, in the order of the file. */
  readonly mistakes: readonly Mistake[];
}

export interface LoadOptions {
  readonly file: string;
  /** Default: `process.env`. */
  readonly env?: Environment;
  /** Where `./data` is. Default: `AEGIS_DATA_DIR`, else `./data`. */
  readonly dataDir?: string;
  /** Default: the working directory. */
  readonly cwd?: string;
  /** Masks may stand for secrets, as in what was exported. Default: they are mistakes. */
  readonly takesMasks?: boolean;
  /** What to do where the file cannot be read: how whoever named it names another. */
  readonly otherName?: string | undefined;
}

const LARGEST = 8 * 1024 ** 2;

/** Reads, checks, merges and freezes the configuration that a file and the environment make. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig | RefusedConfig> {
  const { result, expressions, locate } = loadUnexamined(options);
  const mistakes = locate(await explosive(expressions));
  if (mistakes.length === 0) return result;
  const { warnings, files } = result;
  return { ok: false, mistakes: inOrder([...(result.ok ? [] : result.mistakes), ...mistakes]), warnings, files };
}

interface Unexamined {
  readonly result: LoadedConfig | RefusedConfig;
  readonly expressions: readonly Expression[];
  readonly locate: (findings: readonly Finding[]) => readonly Mistake[];
}

/** All of it but the look at regular expressions, which takes longer than all the rest. */
export function loadUnexamined(options: LoadOptions): Unexamined {
  const { file } = options;
  const { places, env } = placesOf(options);
  const files = new Files(places, env);
  const text = textOf(files.config, options.otherName);
  if ('problem' in text) return refused(file, files, `${files.config} ${text.problem}`, text.hint);
  return readConfig(text.text, options, files, env);
}

export function placesOf(options: LoadOptions): { readonly places: Places; readonly env: Environment } {
  const { file, env = process.env, cwd = process.cwd() } = options;
  return { places: { file, cwd, dataDir: options.dataDir ?? env['AEGIS_DATA_DIR'] ?? './data' }, env };
}

const NAME_ANOTHER = 'name the configuration with --config FILE or AEGIS_CONFIG';

function textOf(
  path: string,
  otherName = NAME_ANOTHER,
): { readonly text: string } | { readonly problem: string; readonly hint: string } {
  try {
    if (statSync(path).size > LARGEST) {
      return { problem: `is larger than ${formatSize(LARGEST)}`, hint: 'a configuration is written by people' };
    }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) };
  } catch (error) {
    if (codeOf(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return { problem: 'is not UTF-8 text', hint: 'save it as UTF-8' };
    return { problem: unreadable(error), hint: otherName };
  }
}

function readConfig(
  text: string,
  { file, takesMasks = false }: LoadOptions,
  files: Files,
  env: Environment,
): Unexamined {
  const lines = new Lines(text);
  const yaml = readYaml(text, lines, env);
  const overridden = applyOverrides(yaml.tree, env, root);
  const tree = withoutExtensions(overridden.tree);
  if (yaml.findings.length === 0 && tree.kind === 'map' && tree.entries.size === 0) {
    return refused(file, files, `${files.config} is empty`, 'a configuration needs at least gateway.routes');
  }
  const reading: Reading = {
    mistakes: [],
    warnings: [],
    secrets: files,
    revealed: new Set(),
    expressions: [],
    takesMasks,
  };
  const checks = new Checks(files);
  // A file that is not YAML says nothing about the settings in it.
  const declared = root.read(yaml.broken ? scalar(null) : tree, new Place([], tree.origin, reading));
  const config = compile(declared, checks);
  const placed = (remark: Remark): Finding => ({ ...remark, origin: originAt(tree, remark.path) });
  const found = yaml.broken
    ? [yaml.findings]
    : [
        [...yaml.findings, ...overridden.findings],
        reading.mistakes,
        withoutMisspelt(checks.mistakes, reading).map(placed),
      ];
  const locator = new Locator(file, lines, reading.revealed);
  const locate = (findings: readonly Finding[]): readonly Mistake[] =>
    [...findings].sort(byPlace).map((finding) => locator.locate(finding));
  const mistakes = locate(withoutConsequences(found));
  const rest = {
    warnings: locate([...reading.warnings, ...checks.warnings.map(placed)]),
    files: [files.config, ...files.read],
  };
  const { expressions } = reading;
  if (mistakes.length > 0) return { result: { ok: false, mistakes, ...rest }, expressions, locate };
  const result = { ok: true as const, config: deepFreeze(config), hash: contentHash(declared), ...rest };
  return { result, expressions, locate };
}

function refused(file: string, files: Files, message: string, hint: string): Unexamined {
  const whole = { line: null, column: null, path: '', allowed: null, variable: null, excerpt: null };
  const mistakes = [{ file, message, hint, ...whole }];
  return {
    result: { ok: false, mistakes, warnings: [], files: [files.config] },
    expressions: [],
    locate: () => [],
  };
}

/** `x-…` at the top is for the writer: a place for anchors. */
export function withoutExtensions(tree: InputNode): InputNode {
  if (tree.kind !== 'map') return tree;
  return { ...tree, entries: new Map([...tree.entries].filter(([key]) => !key.startsWith('x-'))) };
}

/** A mistake about something that could not be read anyway is only a consequence of the one before. */
function withoutConsequences(phases: readonly (readonly Finding[])[]): readonly Finding[] {
  const spoilt = new Set<string>();
  const kept: Finding[] = [];
  for (const phase of phases) {
    const fresh = phase.filter(({ path }) => !path.some((_, index) => spoilt.has(idOf(path.slice(0, index + 1)))));
    kept.push(...fresh);
    for (const { path } of fresh) if (path.length > 0) spoilt.add(idOf(path));
  }
  return kept;
}

/** "There is no upstream" is not worth saying beside "unknown key upsteam, did you mean upstream?". */
function withoutMisspelt(remarks: readonly Remark[], { mistakes }: Reading): readonly Remark[] {
  const misspelt = new Set(mistakes.map(({ path, hint = '' }) => idOf([...path.slice(0, -1), hint])));
  return remarks.filter(
    ({ path, missing = [] }) => !missing.some((key) => misspelt.has(idOf([...path, `did you mean ${key}?`]))),
  );
}

function idOf(path: Path): string {
  return JSON.stringify(path);
}

/** Where a path was written: a scalar itself, else its key; what was not written, where it would belong. */
function originAt(tree: InputNode, path: Path): Origin {
  let node = tree;
  let origin = tree.origin;
  for (const step of path) {
    const entry = node.kind === 'map' ? node.entries.get(String(step)) : undefined;
    const child = node.kind === 'list' ? node.items[Number(step)] : entry?.value;
    if (child === undefined) break;
    origin = child.kind === 'scalar' ? child.origin : (entry?.key ?? child.origin);
    node = child;
  }
  return origin;
}

function byPlace({ origin: a }: Finding, { origin: b }: Finding): number {
  if (a.kind === 'file' && b.kind === 'file') return a.start - b.start;
  return Number(a.kind !== 'file') - Number(b.kind !== 'file');
}

function inOrder(mistakes: readonly Mistake[]): readonly Mistake[] {
  const last = Number.MAX_SAFE_INTEGER;
  return [...mistakes].sort((a, b) => (a.line ?? last) - (b.line ?? last) || (a.column ?? last) - (b.column ?? last));
}
