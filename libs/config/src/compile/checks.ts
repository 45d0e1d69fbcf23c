import { type Files } from '../files.js';
import { nearest } from '../schema/nearest.js';
import { type Path } from '../schema/schema.js';

export interface Remark {
  readonly path: Path;
  readonly message: string;
  readonly allowed?: string;
  readonly hint?: string;
  /** Not said when one of these was plainly meant but misspelt. */
  readonly missing?: readonly string[];
}

/** Names to compare with, for all of a configuration: about half a second. */
const MOST_COMPARED = 100_000;

/** Takes what is found wrong across sections; where it stands in the file is looked up by its path afterwards. */
export class Checks {
  readonly mistakes: Remark[] = [];
  readonly warnings: Remark[] = [];
  readonly absent: Remark[] = [];
  private compared = 0;

  constructor(
    /** Turns a path of the configuration into one of this machine. */
    readonly files: Pick<Files, 'beside' | 'data' | 'missing'>,
  ) {}

  wrong(path: Path, message: string, more: Omit<Remark, 'path' | 'message'> = {}): void {
    this.mistakes.push({ path, message, ...more });
  }

  warn(path: Path, message: string, hint?: string): void {
    this.warnings.push({ path, message, ...(hint !== undefined && { hint }) });
  }

  /** What is said to come from the admin API; who comes from there has to find it, a file does not. */
  missing(path: Path, message: string): void {
    this.absent.push({ path, message });
    this.warn(path, `${message} here`, 'it must come from the admin API');
  }

  /** What was probably meant, for a hint. Where many names are wrong and there are many, only the first are looked at. */
  meant(written: string, known: readonly string[]): string | undefined {
    if (this.compared >= MOST_COMPARED) return undefined;
    this.compared += known.length;
    return nearest(written, known);
  }

  /** A file that stands beside the configuration; a missing one may still come. */
  file(name: string | null, path: Path): string | null {
    if (name === null) return null;
    const absolute = this.files.beside(name);
    if (this.files.missing(absolute)) this.warn(path, `the file ${absolute} does not exist`);
    return absolute;
  }

  /** Complains about every name that was there before. An empty name is one that could not be read. */
  unique(path: Path, what: string, names: readonly (string | null)[]): void {
    const first = new Map<string, number>();
    for (const [index, name] of names.entries()) {
      if (name === null || name === '') continue;
      const before = first.get(name);
      if (before === undefined) first.set(name, index);
      else {
        const where = `${path.join('.')}[${before}]`;
        this.wrong([...path, index, 'name'], `another ${what} is called ${JSON.stringify(name)}: ${where}`);
      }
    }
  }
}
