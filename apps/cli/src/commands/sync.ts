import { CliError, EXIT, type ExitCode } from '../exit.js';
import { confirm } from '../confirm.js';
import { apply, compare } from '../live-entities.js';
import { planAsJson, printPlan } from '../plan-shown.js';
import { count, print, printJson } from '../terminal.js';
import { type DiffOptions } from './diff.js';

export interface SyncOptions extends DiffOptions {
  readonly yes?: boolean;
}

/** Has a gateway serve what a file says: shows what that changes, asks, and does it. */
export async function sync(file: string, options: SyncOptions): Promise<ExitCode> {
  const { json = false, yes = false, prune = false, url } = options;
  const comparison = await compare(file, options, prune);
  const { plan } = comparison;
  if (json) printJson(planAsJson(plan));
  else printPlan(plan, url);
  const outcome = plan.blocked.length === 0 ? EXIT.fine : EXIT.no;
  if (plan.steps.length === 0) return outcome;
  if (!yes && !(await agreed())) {
    if (!json) print('Nothing was changed.');
    return EXIT.no;
  }
  await apply(options, comparison);
  if (!json) print(`${count(plan.steps.length, 'change')} made; ${url} serves them.`);
  return outcome;
}

async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new CliError(EXIT.usage, 'Nothing was changed: say --yes where nobody can be asked.');
  }
  return await confirm('Do it? [y/N] ', process.stdin, process.stderr);
}
