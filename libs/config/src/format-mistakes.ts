import { type Mistake } from './mistakes.js';

interface Format {
  /** Default: false. */
  readonly color?: boolean;
  /** More than this many are only counted. Default: 50. */
  readonly most?: number;
  readonly as?: 'mistake' | 'warning';
}

const WIDEST = 120;

/** For people: each with its place, what to do, and the line with a caret under it. */
export function formatMistakes(
  mistakes: readonly Mistake[],
  { color = false, most = 50, as = 'mistake' }: Format = {},
): string {
  const paint = (code: number) => (text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const paints = { place: paint(36), what: paint(as === 'mistake' ? 31 : 33), dim: paint(2), bold: paint(1) };
  const shown = mistakes.slice(0, most).map((mistake) => formatOne(mistake, paints, as));
  const left = mistakes.length - shown.length;
  if (left > 0) shown.push(`… and ${left.toLocaleString('en')} more`);
  return shown.join('\n\n');
}

type Paints = Readonly<Record<'place' | 'what' | 'dim' | 'bold', (text: string) => string>>;

function formatOne(mistake: Mistake, { place, what, dim, bold }: Paints, as: 'mistake' | 'warning'): string {
  const { path, message, allowed, hint } = mistake;
  const lines = [
    `${place(placeOf(mistake))}${path === '' ? '' : `  ${bold(path)}`}`,
    `  ${what(as === 'warning' ? `warning: ${message}` : message)}`,
  ];
  if (allowed !== null) lines.push(`  ${dim('allowed:')} ${wrapped(allowed, 11)}`);
  if (hint !== null) lines.push(`  ${dim('hint:')} ${wrapped(hint, 8)}`);
  lines.push(...excerptOf(mistake).map((line) => dim(line)));
  return lines.join('\n');
}

/** In lines of at most `WIDEST`, all but the first indented. */
function wrapped(text: string, indent: number): string {
  let width = indent;
  const words = text.split(' ').map((word) => {
    width += word.length + 1;
    if (width <= WIDEST) return word;
    width = indent + word.length + 1;
    return `\n${' '.repeat(indent)}${word}`;
  });
  return words.join(' ').replaceAll(' \n', '\n');
}

/** `aegis.config.yaml:12:7`, or the environment variable. */
function placeOf({ file, line, column, variable }: Mistake): string {
  if (variable !== null) return `environment variable ${variable}`;
  return line === null ? file : `${file}:${line}:${column ?? 1}`;
}

function excerptOf({ line, column, excerpt }: Mistake): readonly string[] {
  if (excerpt === null || line === null || column === null) return [];
  // A long line is shown from a little before the mistake.
  const from = column + excerpt.length > WIDEST ? Math.max(0, column - 40) : 0;
  const text = excerpt.text.slice(from, from + WIDEST).replaceAll('\t', ' ');
  const gutter = `  ${line} | `;
  const caret =
    ' '.repeat(gutter.length - 2) +
    '| ' +
    ' '.repeat(column - 1 - from) +
    '^'.repeat(Math.min(excerpt.length, WIDEST - (column - 1 - from)));
  return [gutter + text, caret];
}

/** One line, for a log or a status page. */
export function mistakeLine(mistake: Mistake): string {
  const { path, message, allowed, hint } = mistake;
  const more = hint ?? (allowed === null ? null : `allowed: ${allowed}`);
  return `${placeOf(mistake)}: ${path === '' ? '' : `${path}: `}${message}${more === null ? '' : ` (${more})`}`;
}
