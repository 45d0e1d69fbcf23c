import { type WriteStream } from 'node:tty';

export type Paint = Readonly<Record<'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', (text: string) => string>>;

/** On a terminal that has colours, unless NO_COLOR says otherwise; FORCE_COLOR wins over both. */
export function hasColors(stream: WriteStream): boolean {
  const forced = process.env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if ((process.env['NO_COLOR'] ?? '') !== '') return false;
  return stream.isTTY && stream.hasColors();
}

export function paintFor(stream: WriteStream): Paint {
  const colors = hasColors(stream);
  const paint =
    (on: number, off: number) =>
    (text: string): string =>
      colors ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

/** Columns as wide as their widest cell, two spaces apart. */
export function columns(rows: readonly (readonly string[])[], indent = '  '): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) => indent + row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

let isHeardByProgram = false;

/** From now on nothing is said beside the answer but what went wrong, as JSON. */
export function speakToPrograms(): void {
  isHeardByProgram = true;
}

/** What is said beside the answer, so that the answer can be piped on. */
export function remark(text: string): void {
  if (!isHeardByProgram) process.stderr.write(`${text}\n`);
}

/** The one thing that a program finds on standard error. */
export function printError(value: object): void {
  process.stderr.write(`${JSON.stringify(value)}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** `1 route`, `2 routes` */
export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
