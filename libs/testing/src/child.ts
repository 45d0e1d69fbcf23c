import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Readable } from 'node:stream';
import { Leash } from '#storage';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of a test's own, that ends with the test run at the latest. What it prints is kept by line. */
export class Child {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #pid: number;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv, folder: string) {
    this.#process = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`${command} cannot be run`);
    this.#pid = pid;
    const leash = new Leash(pid, { signal: 'KILL', remove: folder });
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.stdout.push(line));
    createInterface({ input: this.#process.stderr }).on('line', (line) => this.stderr.push(line));
    // `close` follows `exit` when everything that it printed has arrived.
    this.exited = once(this.#process, 'close').then(async () => {
      await leash.release();
      return { code: this.#process.exitCode, signal: this.#process.signalCode };
    });
  }

  get pid(): number {
    return this.#pid;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Resolves with the line; rejects with all it said when it ends before. */
  async saysOnStdout(text: string): Promise<string> {
    for (;;) {
      const line = this.stdout.find((each) => each.includes(text));
      if (line !== undefined) return line;
      await this.somethingHappens(`without saying "${text}"`);
    }
  }

  /** The next output, on either stream. */
  async somethingHappens(else_: string): Promise<void> {
    const stop = new AbortController();
    const { signal } = stop;
    try {
      await Promise.race([
        once(this.#process.stdout, 'data', { signal }),
        once(this.#process.stderr, 'data', { signal }),
        this.exited.then(({ code }) => {
          throw new Error(`it ended (${code ?? 'killed'}) ${else_}:\n${[...this.stdout, ...this.stderr].join('\n')}`);
        }),
      ]);
    } finally {
      stop.abort();
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async end(name: NodeJS.Signals): Promise<ChildExit> {
    if (this.running) this.#process.kill(name);
    return await this.exited;
  }
}
