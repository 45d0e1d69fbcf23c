import { CliError, EXIT } from './exit.js';
import { promptSecret, readAll } from './prompt-secret.js';

/** From standard input, or asked for. Never an argument: those are seen by `ps`. */
export async function givenSecret(what: 'secret' | 'password'): Promise<string> {
  const title = what === 'secret' ? 'Secret' : 'Password';
  const given = process.stdin.isTTY
    ? await promptSecret(`${title} (not shown): `, process.stdin, process.stderr)
    : await readAll(process.stdin);
  if (given === null) throw new CliError(EXIT.no, 'Nothing was done.');
  if (given === '') throw new CliError(EXIT.usage, `There is no ${what}: type one, or pipe it in.`);
  return given;
}
