import { CommanderError } from 'commander';
import { CliError, EXIT, type ExitCode } from './exit.js';
import { program } from './program.js';
import { remark } from './terminal.js';

/** Runs a command and says how it ended. Whatever goes wrong is a line on standard error, never a stack. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  // `aegis routes | head` is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.fine);
    throw error;
  });
  let exit: ExitCode = EXIT.fine;
  const aegis = program((code) => (exit = code));
  try {
    if (args.length === 0) aegis.outputHelp();
    else await aegis.parseAsync([...args], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    if (error instanceof CliError) {
      remark(error.message);
      return error.exit;
    }
    throw error;
  }
}
