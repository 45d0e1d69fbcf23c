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

interface More {
  /** Of the gateway's answer, where that is what is told. */
  readonly code?: string;
  /** The same in one line, where `message` has several. */
  readonly brief?: string;
  /** One for each thing that is wrong. */
  readonly errors?: readonly object[];
}

/** Ends a command with a line for the person who called it. */
export class CliError extends Error {
  constructor(
    readonly exit: ExitCode,
    message: string,
    readonly more: More = {},
  ) {
    super(message);
  }
}

const CODES: Readonly<Record<ExitCode, string>> = {
  [EXIT.fine]: 'fine',
  [EXIT.no]: 'refused',
  [EXIT.usage]: 'usage',
  [EXIT.unreachable]: 'unreachable',
};

/** What programs are told of it, on standard error. */
export function errorAsJson({ exit, message, more: { code, brief, errors } }: CliError): object {
  return {
    error: { code: code ?? CODES[exit], message: brief ?? message, exit, ...(errors !== undefined && { errors }) },
  };
}
