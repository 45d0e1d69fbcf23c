import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';

/**
 * Waits on a pipe that only this process holds open: the kernel closes it however this process ends, SIGKILL included.
 * The signals of a terminal and of a service manager are ignored, for they reach us too, and we still have work to do.
 */
const SCRIPT = `
trap "" INT TERM HUP QUIT
read -r _
kill -"$1" "$2" 2>/dev/null
if [ -n "$3" ]; then
  left=200
  while kill -0 "$2" 2>/dev/null && [ $((left -= 1)) -gt 0 ]; do sleep 0.05; done
  rm -rf "$3" || { sleep 1; rm -rf "$3"; }
fi`;

export interface LeashOptions {
  /** 0: none; it is only waited for. */
  readonly signal: 'INT' | 'KILL' | '0';
  /** A folder that goes away after the process. */
  readonly remove?: string;
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
}

/** Ties a process that we started to our own life, so that it never outlives us. Costs one idle `sh`. */
export class Leash {
  readonly #shell;

  constructor(
    pid: number,
    private readonly options: LeashOptions,
  ) {
    const { signal, remove = '', account } = options;
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, 'aegis-leash', signal, String(pid), remove], {
      cwd: '/',
      detached: true,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
      ...account,
    });
    this.#shell.on('error', () => undefined);
    this.#shell.stdin.on('error', () => undefined);
    this.#shell.unref();
  }

  /** The process is gone by itself: its pid may soon be another's. */
  async release(): Promise<void> {
    const shell = this.#shell;
    shell.stdin.destroy();
    if (shell.pid !== undefined && shell.exitCode === null && shell.signalCode === null) {
      const ended = once(shell, 'exit');
      shell.ref();
      shell.kill('SIGKILL');
      await ended;
    }
    if (this.options.remove !== undefined) {
      await rm(this.options.remove, { recursive: true, force: true, maxRetries: 20 });
    }
  }
}
