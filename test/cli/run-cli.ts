import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What comes in on standard input. */
  readonly input?: string;
}

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const ENTRY = `${ROOT}dist/run/cli.js`;

/** `aegis`, as users run it: a process of its own, from the build. */
export function aegis(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  return run(process.execPath, [ENTRY, ...args], options);
}

export function run(
  command: string,
  args: readonly string[],
  { env = {}, cwd = ROOT, input = '' }: CliOptions = {},
): Promise<CliRun> {
  const child = spawn(command, args, { cwd, env: { ...machine(), ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // It may leave without having read what it was given.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** The environment without what would configure Aegis behind the test's back. */
function machine(): NodeJS.ProcessEnv {
  const ours = /^(AEGIS|DATABASE_URL$|REDIS_URL$|PORT$|NODE_OPTIONS$|NO_COLOR$|FORCE_COLOR$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}
