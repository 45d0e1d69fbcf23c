import { CommanderError } from 'commander';
import { CliError, errorAsJson, EXIT, type ExitCode } from './exit.js';
import { program } from './program.js';
import { printError, remark, speakToPrograms } from './terminal.js';

/**
 * Runs a command and says how it ended. Whatever goes wrong is a line on standard error, never a stack; with `--json` it is
 * one JSON object there.
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  // `aegis routes | head` is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.fine);
    throw error;
  });
  let exit: ExitCode = EXIT.fine;
  const end = args.indexOf('--');
  const isProgram = args.slice(0, end === -1 ? undefined : end).includes('--json');
  if (isProgram) speakToPrograms();
  const aegis = program((code) => (exit = code), isProgram);
  try {
    if (args.length === 0) aegis.outputHelp();
    else await aegis.parseAsync([...args], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.fine;
    if (isProgram) {
      const told = asCliError(error);
      printError(errorAsJson(told));
      return told.exit;
    }
    if (error instanceof CommanderError) return EXIT.usage;
    if (error instanceof CliError) {
      remark(error.message);
      return error.exit;
    }
    throw error;
  }
}

function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof CommanderError) {
    return new CliError(EXIT.usage, error.message.replace(/^error: /, '').replaceAll('\n', ' '));
  }
  const message = error instanceof Error ? error.message : String(error);
  return new CliError(EXIT.no, message, { code: 'internal_error' });
}
