import { type Lines } from './input/lines.js';
import { type Origin } from './input/node.js';
import { type Finding, type Path } from './schema/schema.js';

/** One thing that is wrong (or, as a warning, odd) with a configuration, and where. */
export interface Mistake {
  /** The file as it was named. */
  readonly file: string;
  /** From 1; null when it does not come from a line of the file. */
  readonly line: number | null;
  readonly column: number | null;
  /** `gateway.routes[2].timeout`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, with what was found. */
  readonly message: string;
  /** What may stand there. */
  readonly allowed: string | null;
  /** What to do, or what was probably meant. */
  readonly hint: string | null;
  /** The environment variable that it comes from. */
  readonly variable: string | null;
  /** The line itself, with secrets blotted out, and how many characters of it are meant. */
  readonly excerpt: { readonly text: string; readonly length: number } | null;
}

export function showPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const plain = /^[\w-]+$/.test(part);
    return text === '' ? part : plain ? `${text}.${part}` : `${text}[${JSON.stringify(part)}]`;
  }, '');
}

export class Locator {
  constructor(
    private readonly file: string,
    private readonly lines: Lines,
    private readonly revealed: ReadonlySet<string>,
  ) {}

  locate({ path, origin, message, allowed, hint, stray }: Finding): Mistake {
    return {
      file: this.file,
      ...this.place(origin, stray ?? false),
      path: showPath(path),
      message,
      allowed: allowed ?? null,
      hint: hint ?? null,
      variable: origin.kind === 'variable' ? origin.name : null,
    };
  }

  private place(origin: Origin, stray: boolean): Pick<Mistake, 'line' | 'column' | 'excerpt'> {
    if (origin.kind !== 'file') return { line: null, column: null, excerpt: null };
    const { line, column } = this.lines.at(origin.start);
    const text = this.lines.line(line);
    const length = Math.max(1, Math.min(origin.end - origin.start, text.length - column + 1));
    // What a stray key holds may be a secret whose name is misspelt.
    const end = column - 1 + length;
    const shown = stray && end < text.length ? `${text.slice(0, end)} …` : text;
    return { line, column, excerpt: { text: this.blotLine(shown), length } };
  }

  /** Keeps the length, so that the caret under the line still points at the right place. */
  private blot(text: string): string {
    let blotted = text;
    for (const secret of this.revealed) {
      if (secret.length >= 4 && blotted.includes(secret))
        blotted = blotted.replaceAll(secret, '*'.repeat(secret.length));
    }
    return blotted;
  }

  private blotLine(text: string): string {
    return this.blot(text)
      .replace(
        /(:\/\/[^\s:/@]*:)([^\s@/]+)(?=@)/g,
        (_, before: string, password: string) => before + '*'.repeat(password.length),
      )
      .replace(SECRET_KEY, (_, before: string, value: string) => before + '*'.repeat(value.length));
  }
}

/** The value of a key that sounds secret, such as a misspelt `clientSecret`; a reference or a map is left. */
const SECRET_KEY = /((?:secret|passw|token|api_?key|routing_?key)\w*["']?\s*:\s*["']?)((?![[{$"'])[^\s,}"']+)/gi;
