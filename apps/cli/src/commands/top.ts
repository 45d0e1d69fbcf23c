import { setTimeout as delay } from 'node:timers/promises';
import { CliError, EXIT } from '../exit.js';
import { ask, type LiveOptions } from '../live-gateway.js';
import { paintFor, print, remark } from '../terminal.js';
import { type Sample, topFrame } from '../top-frame.js';

export interface TopOptions extends LiveOptions {
  readonly interval: number;
  readonly count?: number;
  readonly json?: boolean;
}

const HOME = '\u001b[H';
const REST_OF_SCREEN = '\u001b[J';
const REST_OF_LINE = '\u001b[K';
const OTHER_SCREEN = '\u001b[?1049h\u001b[?25l';
const FIRST_SCREEN = '\u001b[?25h\u001b[?1049l';

/** What goes on, again and again: over the same place of a terminal, else one below the other. */
export async function top(options: TopOptions): Promise<void> {
  const { interval, json = false } = options;
  const onTerminal = process.stdout.isTTY && !json;
  const count = options.count ?? (onTerminal ? Infinity : 1);
  let last = await sample(options);
  const stop = new AbortController();
  const leave = onTerminal ? occupy(() => stop.abort()) : (): void => undefined;
  try {
    for (let i = 0; i < count; i++) {
      const waited = await delay(interval * 1000, true, { signal: stop.signal }).catch(() => false);
      if (!waited) return;
      const now = await sample(options).catch((error: unknown) => {
        if (onTerminal && error instanceof CliError && error.exit === EXIT.unreachable) return error.message;
        throw error;
      });
      if (typeof now === 'string') draw([now, '', 'Still asking; q leaves.']);
      else {
        const frame = topFrame(last, now, options.url, paintFor(process.stdout));
        if (json) print(JSON.stringify(frame.numbers));
        else if (onTerminal) draw([...frame.lines, '', paintFor(process.stdout).dim('q leaves')]);
        else print(frame.lines.join('\n'));
        last = now;
      }
    }
  } finally {
    leave();
  }
}

async function sample(options: LiveOptions): Promise<Sample> {
  const [status, health] = await Promise.all([ask(options, 'GET /_aegis/status'), ask(options, 'GET /api/health')]);
  return { at: performance.now(), status, health };
}

function draw(lines: readonly string[]): void {
  const shown = lines.slice(0, Math.max(1, process.stdout.rows - 1));
  process.stdout.write(HOME + shown.map((line) => `${line}${REST_OF_LINE}\n`).join('') + REST_OF_SCREEN);
}

/** The whole terminal, until it is given back. */
function occupy(quit: () => void): () => void {
  const { stdin, stdout } = process;
  const onKey = (key: Buffer): void => {
    if (['q', 'Q', '\u0003', '\u001b'].includes(key.toString())) quit();
  };
  stdout.write(OTHER_SCREEN);
  if (stdin.isTTY) stdin.setRawMode(true).on('data', onKey).resume();
  process.once('SIGINT', quit).once('SIGTERM', quit);
  return () => {
    if (stdin.isTTY) stdin.setRawMode(false).off('data', onKey).pause();
    stdout.write(FIRST_SCREEN);
    remark('');
  };
}
