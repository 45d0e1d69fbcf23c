import { CliError, EXIT } from './exit.js';
import { promptSecret, readAll } from './prompt-secret.js';

/** From the environment where a variable is named, from standard input, or asked for. Never an argument: `ps` shows those. */
export async function givenSecret(
  what: 'secret' | 'password' | 'token' | 'refresh token' | 'key',
  variable?: string,
): Promise<string> {
  const said = variable === undefined ? '' : (process.env[variable] ?? '');
  if (said !== '') return said;
  const title = what.charAt(0).toUpperCase() + what.slice(1);
  const given = process.stdin.isTTY
    ? await promptSecret(`${title} (not shown): `, process.stdin, process.stderr)
    : await readAll(process.stdin);
  if (given === null) throw new CliError(EXIT.no, 'Nothing was done.');
  if (given === '')
    throw new CliError(
      EXIT.usage,
      `There is no ${what}: type one, ${variable === undefined ? '' : `set ${variable}, `}or pipe it in.`,
    );
  return given;
}
