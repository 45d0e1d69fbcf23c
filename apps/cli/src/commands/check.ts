import { formatMistakes } from '#config';
import { type ConfigOptions, load } from '../config-file.js';
import { EXIT, type ExitCode } from '../exit.js';
import { shown, summary } from '../summary.js';
import { columns, count, hasColors, paintFor, print, printJson } from '../terminal.js';

export interface CheckOptions extends ConfigOptions {
  readonly json?: boolean;
}

/** Everything that is wrong with a file, or what is in it. */
export async function check(file: string | undefined, options: CheckOptions): Promise<ExitCode> {
  const loaded = await load(file === undefined ? options : { ...options, config: file });
  const { ok, warnings } = loaded;
  const mistakes = ok ? [] : loaded.mistakes;
  const exit = ok ? EXIT.fine : EXIT.no;
  const name = file ?? loaded.files[0] ?? '';
  if (options.json === true) {
    printJson({ ok, file: loaded.files[0], mistakes, warnings, hash: ok ? loaded.hash : null });
    return exit;
  }
  const { green, red, bold } = paintFor(process.stdout);
  const color = hasColors(process.stdout);
  if (warnings.length > 0) print(`${formatMistakes(warnings, { color, as: 'warning' })}\n`);
  if (loaded.ok) {
    const also = warnings.length > 0 ? `, with ${count(warnings.length, 'warning')}` : '';
    print(`${green('✓')} ${bold(shown(name))} is valid${also}.\n`);
    print(columns(summary(loaded)));
  } else {
    print(`${formatMistakes(mistakes, { color, most: Infinity })}\n`);
    print(`${red('✗')} ${count(mistakes.length, 'mistake')} in ${bold(shown(name))}.`);
  }
  return exit;
}
