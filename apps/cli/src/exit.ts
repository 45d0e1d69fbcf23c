/** What the exit code of `aegis` means. */
export const EXIT = {
  /** Done; or the answer is yes. */
  fine: 0,
  /** The answer is no: the file has mistakes, no route matches, the gateway refused. */
  no: 1,
  /** Called wrongly. */
  usage: 2,
  /** The gateway or the database cannot be reached. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Hears what the exit code is to be. */
export type End = (exit: ExitCode) => void;

/** Ends a command with a line for the person who called it. */
export class CliError extends Error {
  constructor(
    readonly exit: ExitCode,
    message: string,
    /** Of the gateway's answer, where that is what is told. */
    readonly code: string | null = null,
  ) {
    super(message);
  }
}
