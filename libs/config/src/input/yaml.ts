import { Composer, type CST, type Document, Lexer, Parser } from 'yaml';
import { type Finding, type Path } from '../schema/schema.js';
import { type Lines } from './lines.js';
import { type InputNode, NOWHERE } from './node.js';
import { type Environment } from './substitute.js';
import { TreeBuilder } from './tree-builder.js';

const DEEPEST = 64;
/** Tokens that the parser has begun: the document, a value in it, and what that is written with. */
const MOST_OPEN = 2 * DEEPEST + 4;
/** One syntax error brings others along; after a few they say nothing new. */
const MOST_SYNTAX_ERRORS = 5;

const NOTHING: InputNode = { kind: 'map', entries: new Map(), origin: NOWHERE };

export interface YamlTree {
  readonly tree: InputNode;
  readonly findings: readonly Finding[];
  /** There is nothing to read beyond what was found. */
  readonly broken: boolean;
}

/** Reads the text of a file into a tree that knows where everything stands. */
export function readYaml(text: string, lines: Lines, env: Environment): YamlTree {
  const tokens = tokensOf(text);
  if (typeof tokens === 'number') {
    return broken([finding(tokens, tokens + 1, `nested deeper than ${DEEPEST} levels`)]);
  }
  // Duplicate keys are found by the builder, in linear time and with both places named.
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
  const [first, another] = composer.compose(tokens);
  if (first === undefined) return { tree: NOTHING, findings: [], broken: false };
  const problems = syntaxProblems(first, lines, text);
  const second = another?.range[0];
  if (second !== undefined) {
    problems.push(finding(second, second + 3, 'a second document begins here; a configuration is one document'));
  }
  if (problems.length > 0) return broken(problems);
  const builder = new TreeBuilder(lines, env);
  const tree = first.contents === null ? NOTHING : builder.build(first.contents);
  return { tree, findings: builder.findings, broken: false };
}

function broken(findings: readonly Finding[]): YamlTree {
  return { tree: NOTHING, findings, broken: true };
}

function finding(start: number, end: number, message: string, hint?: string): Finding {
  const path: Path = [];
  return { path, origin: { kind: 'file', start, end }, message, ...(hint !== undefined && { hint }) };
}

function syntaxProblems(document: Document.Parsed, lines: Lines, text: string): Finding[] {
  const seen = new Set<number>();
  const problems: Finding[] = [];
  for (const { pos, message, code } of [...document.errors, ...document.warnings]) {
    const [start, end] = pos;
    if (problems.length === MOST_SYNTAX_ERRORS) break;
    const { line } = lines.at(start);
    if (seen.has(line)) continue;
    seen.add(line);
    problems.push(finding(start, end, `not valid YAML: ${message}`, hintFor(code, text, start)));
  }
  return problems;
}

function hintFor(code: string, text: string, at: number): string | undefined {
  const before = text.slice(Math.max(0, at - 1), at);
  if (text.startsWith('{', at) && before === '$') return 'inside { } and [ ] write a reference in quotes: "${NAME}"';
  if (code === 'TAB_AS_INDENT') return 'indent with spaces';
  if (code === 'BAD_SCALAR_START') return 'write the value in quotes';
  if (code === 'TAG_RESOLVE_FAILED') return 'tags have no meaning here; leave it out, or write the value in quotes';
  if (code === 'BLOCK_AS_IMPLICIT_KEY') return 'write a value that contains a colon and a space in quotes';
  return undefined;
}

/**
 * A number: where it is nested too deep. The composer recurses, and a text made for it could overflow the stack and take
 * the process with it; the parser takes the longer for a token the deeper that is, so that it is stopped on the way.
 */
function tokensOf(text: string): CST.Token[] | number {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > MOST_OPEN) return parser.offset;
  }
  tokens.push(...parser.end());
  return tokens.map(tooDeep).find((offset) => offset !== undefined) ?? tokens;
}

/** Where the first token below the deepest level stands. */
function tooDeep(token: CST.Token): number | undefined {
  const stack: { readonly token: CST.Token; readonly depth: number }[] = [{ token, depth: 0 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { token: here, depth } = next;
    if (depth > DEEPEST) return 'offset' in here ? here.offset : 0;
    if (here.type === 'document' && here.value) stack.push({ token: here.value, depth });
    if (!('items' in here)) continue;
    for (const { key, value } of here.items) {
      if (key) stack.push({ token: key, depth: depth + 1 });
      if (value) stack.push({ token: value, depth: depth + 1 });
    }
  }
  return undefined;
}
