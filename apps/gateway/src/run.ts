import { relative } from 'node:path';
import { formatMistakes, loadConfig } from '#config';
import { readArguments } from './arguments.js';
import { BootError } from './boot-error.js';
import { keepShapeOfTicks } from './shape-of-ticks.js';
import { WorkerLink } from './workers/worker-link.js';

/** Starts the gateway and stays until a signal has stopped it. Whatever keeps it from starting is told in one line. */
export async function run(args: readonly string[]): Promise<void> {
  const startedAt = performance.now();
  try {
    const { config: file, dataDir } = readArguments(args, process.env);
    const loaded = await loadConfig({ file, dataDir });
    if (!loaded.ok) {
      process.stderr.write(
        `${formatMistakes(loaded.mistakes, { color: process.stderr.isTTY && process.env['NO_COLOR'] === undefined })}\n`,
      );
      process.exitCode = 1;
      return;
    }
    // Only now: what is wrong above is told before half a second of loading.
    const link = WorkerLink.open(process.env);
    const options = { file: shown(file), dataDir, loaded, env: process.env, startedAt };
    if (loaded.config.gateway.workers > 1 && link === null) {
      const { runFleet } = await import('./workers/fleet.js');
      if (!(await runFleet(options))) process.exitCode = 1;
    } else {
      keepShapeOfTicks();
      const { Gateway } = await import('./gateway.js');
      const gateway = await Gateway.start({ ...options, link });
      await gateway.untilStopped();
    }
  } catch (error) {
    if (error instanceof BootError) process.stderr.write(`${error.message}\n`);
    else
      process.stderr.write(
        `Aegis failed to start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
    process.exitCode = 1;
  }
  // Whatever still holds the process (a library's timer, a half-closed socket) has no say once everything is closed.
  process.exit();
}

/** A file below the working directory by its short name, any other as it was named. */
function shown(file: string): string {
  const near = relative('', file);
  return near === '' || near.startsWith('..') ? file : near;
}
